/** How much a teacher's answers count, and how far they are softened. */
export type Distillation = {
  /** 0: the labels alone, to 1: the teacher alone. */
  readonly share: number;
  /** What the logits of both are divided by. */
  readonly temperature: number;
};

/** softmax(logits / temperature). */
function softened(logits: Float32Array, temperature: number): Float64Array {
  const largest = Math.max(...logits);
  const powers = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}

/**
 * Loss of one picture against its teacher (Hinton, Vinyals, Dean 2015, arXiv 1503.02531, section 2): mixes T² · KL(softmax(teacher / T) ‖
 * softmax(logits / T)) into a loss by the labels, and its gradient by the logits into theirs.
 *
 * @param gradient of the loss by the labels; becomes (1 − share) of it plus share of that of the divergence. Both for one picture, not its share of
 * a batch.
 * @returns the mixed loss.
 */
export function distill(
  logits: Float32Array,
  teacher: Float32Array,
  { share, temperature }: Distillation,
  loss: number,
  gradient: Float32Array,
): number {
  const [own, wanted] = [softened(logits, temperature), softened(teacher, temperature)];
  let divergence = 0;
  for (let k = 0; k < logits.length; k++) {
    const [p, q] = [own[k]!, wanted[k]!];
    if (q > 0) divergence += q * Math.log(q / Math.max(p, Number.MIN_VALUE));
    gradient[k] = (1 - share) * gradient[k]! + share * temperature * (p - q);
  }
  return (1 - share) * loss + share * temperature ** 2 * divergence;
}
