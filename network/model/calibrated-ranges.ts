/** Largest magnitudes that a network reached on calibration pictures. */
export type CalibratedRanges = {
  /** What enters each square. */
  readonly activations: readonly number[];
  readonly logits: number;
};
