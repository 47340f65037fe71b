import type { Outcome } from './fuzzer.ts';

/** What a thread is to do: these targets of a family, one after the other. */
export type WorkerTask = {
  readonly family: string;
  readonly names: readonly string[];
  readonly seed: number;
  /** New inputs for each target. */
  readonly inputs: number;
  /** No target takes much longer, whatever it has done by then. */
  readonly mostSeconds: number;
  /** Whether coverage guides it. */
  readonly isGuided: boolean;
  /** Of a {@link CurrentInput}. */
  readonly buffer: SharedArrayBuffer;
};

export type WorkerMessage =
  | { readonly kind: 'begins'; readonly target: string }
  | { readonly kind: 'progress'; readonly done: number }
  | { readonly kind: 'ends'; readonly target: string; readonly outcome: Outcome };
