import type { OutputPolicy } from '#protocol/output-policy.ts';

/** Bits of a secret key with coefficients −1, 0 and 1 in a ring of this degree, the one that answers travel in. */
export function keyBits(ringDegree: number): number {
  return ringDegree * Math.log2(3);
}

/**
 * The most bits that one answer can tell: the logarithm of how many outcomes there are. Rounded: the vectors of probabilities at this step with their label, for each
 * region; labels and events: the labels. One outcome more for an answer that is withheld, and for an event one for an answer that tells nothing.
 */
export function bitsOfAnswer(policy: OutputPolicy, labels: number, regions: number): number {
  const each = policy.output === 'rounded' ? bitsOfVectors(labels, policy.step) : Math.log2(labels);
  const others = policy.output === 'event' ? Math.log2(labels + 1) - Math.log2(labels) : 0;
  return log2OfSum(regions * (each + others), 0);
}

/** log2(2^a + 2^b). */
function log2OfSum(a: number, b: number): number {
  const top = Math.max(a, b);
  return top + Math.log2(2 ** (a - top) + 2 ** (b - top));
}

/**
 * log2 of the vectors of L probabilities, rounded to multiples of a step 1 / m, with the label of a largest one. A rounded number of steps is at most one half
 * from the true one, and these sum to m, so the rounded ones sum to m ± L / 2: counted are the L places of the largest, its m + 1 values v, and the others, 0 to v
 * each, with such a sum. That is an upper bound: not every such vector comes from a rounding.
 */
export function bitsOfVectors(labels: number, step: number): number {
  const parts = Math.round(1 / step);
  let count = 0;
  for (let largest = 0; largest <= parts; largest++) {
    const sums = sumsOf(labels - 1, largest);
    for (const [sum, ways] of sums.entries())
      if (Math.abs(sum + largest - parts) <= labels / 2) count += ways;
  }
  return Math.log2(labels * count);
}

/** In how many ways `count` whole numbers from 0 to `most` have each sum. */
function sumsOf(count: number, most: number): number[] {
  let sums = [1];
  for (let i = 0; i < count; i++) {
    const next = new Array<number>(sums.length + most).fill(0);
    for (const [sum, ways] of sums.entries())
      for (let value = 0; value <= most; value++) next[sum + value]! += ways;
    sums = next;
  }
  return sums;
}

/**
 * The most dishonest answers among n that any strategy can expect to slip through unnoticed, where each is audited with probability p: whoever gives k of them is
 * not caught with (1 − p)^k, so max over k ≤ n of k (1 − p)^k, which is 1 / (e p) for many. All of them without audits.
 *
 * One that is asked may keep silent, which is noticed and allowed rarely: each silence that was seen stands for 1 / p dishonest answers in the mean.
 */
export function unnoticedAnswers(answers: number, share: number, silences = 0): number {
  if (share <= 0) return answers;
  if (share >= 1) return Math.min(answers, silences);
  const best = -1 / Math.log(1 - share);
  const at = (k: number) => k * (1 - share) ** k;
  const most = best >= answers ? at(answers) : Math.max(at(Math.floor(best)), at(Math.ceil(best)));
  return Math.min(answers, most + silences / share);
}
