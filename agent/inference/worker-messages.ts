import type { PictureShape, RunTimings } from '#fhe';
import type { ErrorCode } from '#protocol/errors.ts';
import type { BundlePart } from '#protocol/manifest.ts';
import type { InterpreterKind } from './bundle.ts';

/** Sent to the worker first: what it shall load. */
export type OpenRequest = {
  readonly type: 'open';
  readonly directory: string;
  readonly parts: readonly BundlePart[];
  readonly kind: InterpreterKind;
  readonly threads: number;
  /** SHA-256, hex, that the answer to the self-test inputs must have; null where it was tested before. */
  readonly selfTest: string | null;
};

export type WorkerRequest =
  | OpenRequest
  | { readonly type: 'run'; readonly id: number; readonly values: Float32Array }
  | { readonly type: 'close' };

export type WorkerReply =
  | {
      readonly type: 'opened';
      readonly picture: PictureShape;
      readonly regions: number;
      readonly memoryBytes: number;
    }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly message: string }
  | {
      readonly type: 'answer';
      readonly id: number;
      readonly ciphertext: Uint8Array;
      readonly timings: RunTimings;
    }
  | { readonly type: 'failed'; readonly id: number; readonly message: string };
