import type { MessagePort } from 'node:worker_threads';
import type { ParametersLiteral, PictureShape, RunResult } from '#fhe';
import type { BundlePart } from '#protocol/manifest.ts';
import type { InterpreterKind } from './bundle.ts';

/** SHA-256, hex, that the answer of an interpreter to the self-test inputs must have. */
export type SelfTest = { readonly kind: InterpreterKind; readonly sha256: string };

/** The first task of an interpreter's thread: what it shall load. Answered with {@link OpenedProgram}. */
export type OpenRequest = {
  readonly type: 'open';
  readonly directory: string;
  readonly parts: readonly BundlePart[];
  readonly kind: InterpreterKind;
  readonly threads: number;
  /** Most memory of the engine; null for as much as WebAssembly has. */
  readonly memoryBytes: number | null;
  /** Whether what does not fit into it may be read from disk. */
  readonly mayUseDisk: boolean;
  /** Null if it was tested before. */
  readonly selfTest: SelfTest | null;
  /**
   * Where the `SharedLane` goes, for a thread that shall run pictures beside this one; null for none. Never through the event loop's thread: what it has
   * seen of an engine's memory stays until its garbage is collected, which may be never.
   */
  readonly laneTo: MessagePort | null;
};

/** Told while a bundle is opened: which share of it is loaded, 0 to 1; before the self-test of one that reads from disk, its {@link Opened.diskUse}. */
export type OpenProgress = number | Float64Array;

export type OpenedProgram = {
  readonly picture: PictureShape;
  /** Pictures per run; their values are concatenated. */
  readonly regions: number;
};

/** How its answers may be put together; see `Gathering`. */
export type AnswerRoom = {
  /** Answers that have room in one ciphertext. */
  readonly places: number;
  readonly answerRing: ParametersLiteral;
};

/** Answers an {@link OpenRequest}. */
export type Opened = OpenedProgram &
  AnswerRoom & {
    /** Whether there is a lane for a second thread. */
    readonly isShared: boolean;
    /** Memory of the engine, in bytes; 0 for the reference interpreter. */
    readonly usedBytes: number;
    /** As that of the engine: grows while a run reads constants or keys from disk; null where none does. */
    readonly diskUse: Float64Array | null;
  };

/** The first task of the second thread. Answered with nothing. */
export type JoinRequest = {
  readonly type: 'join';
  readonly program: OpenedProgram;
  /** Where the `SharedLane` has come. */
  readonly laneFrom: MessagePort;
  readonly threads: number;
};

/** Tasks of an interpreter's threads: a run is answered with a {@link RunResult}, closing with nothing. */
export type WorkerRequest =
  | OpenRequest
  | JoinRequest
  | {
      readonly type: 'run';
      /** Of as many prepared pictures as the network takes, before their light is normalized. */
      readonly picture: Uint8Array;
      /** What the encryption's randomness follows from; null for fresh one. */
      readonly seed: Uint8Array | null;
      /** That may work on it: fewer than there are where another picture is under way. */
      readonly threads: number;
    }
  | { readonly type: 'close' };

export type WorkerReply = Opened | RunResult | null;
