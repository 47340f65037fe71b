import type { PictureShape, RunResult, SharedLane } from '#fhe';
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
  /** Whether another thread shall run pictures beside this one. */
  readonly share: boolean;
};

export type OpenedProgram = {
  readonly picture: PictureShape;
  /** Pictures per run; their values are concatenated. */
  readonly regions: number;
};

/** Answers an {@link OpenRequest}. */
export type Opened = OpenedProgram & {
  /** What a second thread needs, where one was asked for. */
  readonly lane: SharedLane | null;
  /** Memory of the engine, in bytes; 0 for the reference interpreter. */
  readonly usedBytes: number;
  /** Whether constants or keys are read from disk for every picture. */
  readonly readsDisk: boolean;
};

/** The first task of the second thread. Answered with nothing. */
export type JoinRequest = {
  readonly type: 'join';
  readonly program: OpenedProgram;
  readonly lane: SharedLane;
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
