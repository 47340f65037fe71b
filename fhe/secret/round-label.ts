/** An answer of a classification, as coarse as its owner wants it. */
export type LabelAnswer = {
  /** The most probable one. */
  readonly label: string;
  /** Of `label`, a multiple of the step; absent if only labels may leave. */
  readonly probability?: number;
  /** By label, in the order of `labels`, multiples of the step, so they need not sum to 1; absent if only labels may leave. */
  readonly probabilities?: Readonly<Record<string, number>>;
};

/**
 * The label of the largest of its logits, with rounded probabilities.
 *
 * @param step of the probabilities, one of 1 / n; null for the label without any.
 */
export function roundLabel(
  logits: Float64Array,
  labels: readonly string[],
  step: number | null,
): LabelAnswer {
  const exact = softmax(logits);
  const best = exact.indexOf(Math.max(...exact));
  const label = labels[best]!;
  if (step === null) return { label };
  // A quotient of whole numbers, so that 0.15 is 0.15 and not 0.15000000000000002.
  const parts = Math.round(1 / step);
  const rounded = Array.from(exact, (value) => Math.round(value * parts) / parts);
  return {
    label,
    probability: rounded[best]!,
    probabilities: Object.fromEntries(labels.map((label, index) => [label, rounded[index]!])),
  };
}

/** Probabilities of logits; the largest logit is subtracted first, so that nothing overflows. */
function softmax(logits: Float64Array): Float64Array {
  const top = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
