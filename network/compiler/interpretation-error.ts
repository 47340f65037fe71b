import type { Interpretation } from '#fhe';

/**
 * Reads an answer's slots against the true logits, in logits: the mean of each logit's copies, the largest error of any copy, and the
 * largest deviation from zero in empty slots.
 */
export function interpretationError(
  slots: Float64Array,
  interpretation: Interpretation,
  truth: ArrayLike<number>,
): { logits: Float64Array; logitError: number; emptySlot: number } {
  const { expected, unit } = interpretation;
  const logits = new Float64Array(truth.length);
  const copies = new Float64Array(truth.length);
  let logitError = 0;
  let emptySlot = 0;
  expected.forEach((index, slot) => {
    const value = slots[slot]! * unit;
    if (index >= 0) {
      logits[index]! += value;
      copies[index]!++;
      logitError = Math.max(logitError, Math.abs(value - truth[index]!));
    } else if (index === -1) emptySlot = Math.max(emptySlot, Math.abs(value));
  });
  return { logits: logits.map((sum, k) => sum / copies[k]!), logitError, emptySlot };
}
