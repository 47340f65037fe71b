import type { PictureShape, RunResult } from '#fhe';
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
  /** Null if it was tested before. */
  readonly selfTest: SelfTest | null;
};

export type OpenedProgram = {
  readonly picture: PictureShape;
  /** Pictures per run; their values are concatenated. */
  readonly regions: number;
};

/** Tasks of an interpreter's thread: a run is answered with a {@link RunResult}, closing with nothing. */
export type WorkerRequest =
  | OpenRequest
  | {
      readonly type: 'run';
      /** Of as many prepared pictures as the network takes, before their light is normalized. */
      readonly picture: Uint8Array;
      /** What the encryption's randomness follows from; null for fresh one. */
      readonly seed: Uint8Array | null;
    }
  | { readonly type: 'close' };

export type WorkerReply = OpenedProgram | RunResult | null;
