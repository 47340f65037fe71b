import type { MachineLimits } from './machine-limits.ts';
import type { FrameFigures } from './measured-process.ts';

/** What one form of a network takes for a frame. */
export type FormFigures = FrameFigures & {
  /** What ran, with its version. */
  readonly runtime: string;
  /** The most memory that its process ever had, Node.js included. */
  readonly peakBytes: number;
  /** Parameters, and keys if there are any, that a frame reads: bytes in memory, each counted once however often it is used. */
  readonly bytesRead: number;
};

export type EngineFigures = FormFigures & {
  /** Largest difference of a logit from onnxruntime's, of the largest logit. */
  readonly worstError: number;
};

/** How far the encrypted form is from what the machine can do at most. */
export type LimitShare = {
  readonly machine: MachineLimits;
  /** Time that memory alone would take: bytes read by bandwidth. */
  readonly bytesMs: number;
  /** Time that products alone would take: products and butterflies by the kernel's own rates. */
  readonly productsMs: number;
  /** The larger of the two, of the measured time. */
  readonly share: number;
};

/** One network, encrypted and in the clear, side by side on the same cores. */
export type ClearResult = {
  readonly network: string;
  readonly ringDegree: number;
  /** Activations and poolings that became squares and mean pooling in all forms. */
  readonly replaced: number;
  /** Of a process that loaded nothing. */
  readonly emptyBytes: number;
  readonly encrypted: EngineFigures;
  /** Encrypted pictures and plain weights, in the engine, by the same plan: what is saved is the price of hiding the weights. */
  readonly plainWeights: EngineFigures;
  readonly clear: FormFigures & { readonly threads: number };
  readonly limit: LimitShare;
};
