/** Largest magnitudes that a network reached on calibration pictures. */
export type CalibratedRanges = {
  /** Inputs of each square. */
  readonly activations: readonly number[];
  readonly logits: number;
};
