import type { Fineness } from './told.ts';

/** What a liar knows of the answers that he shapes. */
export type Target = {
  /** Of one region. */
  readonly labels: number;
  readonly regions: number;
  readonly fineness: Fineness;
  /** The logit of a slot value of 1; the owner keeps it to himself, but two published probabilities tell it ({@link measureUnit}). */
  readonly unit: number;
  /** Whether one slot can show any combination of a leaf's coefficients. */
  readonly mixesClasses: boolean;
  /** The class of slots that a region is read in, where it cannot. */
  readonly classOf: readonly number[];
};

/** A logit that no probability is left for: within the range that every answer may have. */
export const SILENT = -0.9;
