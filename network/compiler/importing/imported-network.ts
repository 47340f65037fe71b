import type { CalibratedRanges } from '#network/model/calibrated-ranges.ts';
import type { Graph } from '#network/model/graph.ts';
import type { ActivationReport } from '../rewrite/approximate-activations.ts';

/** A network that can be compiled, and what became of it. */
export type ImportedNetwork = {
  readonly graph: Graph;
  readonly layers: readonly ActivationReport[];
  /** The operator at the end that was taken off, because the decryptor does it: Softmax, LogSoftmax, ArgMax, Sigmoid. */
  readonly ending: string | null;
  readonly ranges: CalibratedRanges;
  /** Pictures that were kept out to measure accuracy on. */
  readonly heldOut: number;
  /** Shares of right answers on pictures that were kept out of calibration and fine-tuning. */
  readonly accuracyBefore: number;
  readonly accuracyApproximated: number;
  readonly accuracyAfter: number;
};
