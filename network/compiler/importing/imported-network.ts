import type { CalibratedRanges } from '#network/model/calibrated-ranges.ts';
import type { Graph } from '#network/model/graph.ts';
import type { ActivationReport } from '../rewrite/approximate-activations.ts';

/** A network that can be compiled, and what became of it. */
export type ImportedNetwork = {
  readonly graph: Graph;
  readonly layers: readonly ActivationReport[];
  /** The final operator, removed because the decryptor applies it: Softmax, LogSoftmax, ArgMax, Sigmoid. */
  readonly ending: string | null;
  readonly ranges: CalibratedRanges;
  /** Calibration pictures that ranges leave out (`calibrateOrdinary`): answers about pictures like these are withheld. */
  readonly leftOut: number;
  /** Pictures held out to measure accuracy on. */
  readonly heldOut: number;
  /** Shares of right answers on pictures held out from calibration and fine-tuning. */
  readonly accuracyBefore: number;
  readonly accuracyApproximated: number;
  readonly accuracyAfter: number;
};
