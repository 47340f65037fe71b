import { type Interpretation, outputsOf } from '#fhe';
import type { OutputPolicy } from '#protocol/output-policy.ts';

/** Bits of a secret key with coefficients −1, 0 and 1 in a ring of this degree, the one that answers travel in. */
export function keyBits(ringDegree: number): number {
  return ringDegree * Math.log2(3);
}

/** What decides how many answers a network can give. */
export type AnswerKind = Pick<Interpretation, 'labels' | 'task' | 'map' | 'decoding' | 'regions' | 'range'>;

/**
 * The most bits that one answer can tell: the logarithm of how many outcomes there are, over all regions. One outcome more for an answer that is withheld, and for
 * an event one for an answer that tells nothing.
 *
 * @param isShared it is about several cameras, of which each may be withheld by itself
 */
export function bitsOfAnswer(policy: OutputPolicy, kind: AnswerKind, isShared = false): number {
  const own = bitsOfRegion(policy, kind);
  const told = policy.output === 'event' ? log2OfSum(own, 0) : own;
  const { regions = 1 } = kind;
  return isShared ? regions * log2OfSum(told, 0) : log2OfSum(regions * told, 0);
}

/** The most bits that an answer about one picture or region can tell, given that it was given out. */
export function bitsOfRegion(policy: OutputPolicy, kind: AnswerKind): number {
  const { labels, task, range } = kind;
  const isRounded = policy.output === 'rounded';
  switch (task) {
    case 'labels':
      // Of a label: each multiple of the step, and whether it holds, which a rounded half leaves open.
      return labels.length * (isRounded ? Math.log2(Math.round(1 / policy.step) + 2) : 1);
    case 'count':
      return labels.length * Math.log2(Math.round(range) + 1);
    case 'map': {
      const most = kind.decoding!.most;
      // Which cells have a point, or how many points each label has.
      return isRounded
        ? log2OfSubsets(outputsOf(kind), most)
        : log2OfSubsets(labels.length + most, labels.length, labels.length);
    }
    default:
      return isRounded ? bitsOfVectors(labels.length, policy.step) : Math.log2(labels.length);
  }
}

/** log2 of how many subsets of n things have `least` to `most` members. */
function log2OfSubsets(n: number, most: number, least = 0): number {
  let own = 0;
  let all = least === 0 ? 0 : Number.NEGATIVE_INFINITY;
  for (let k = 1; k <= Math.min(n, most); k++) {
    own += Math.log2((n - k + 1) / k);
    if (k >= least) all = log2OfSum(all, own);
  }
  return all;
}

/** log2 of in how many ways groups of these sizes can be chosen of n things. */
export function log2OfChoices(n: number, sizes: readonly number[]): number {
  let left = n;
  let bits = 0;
  for (const size of sizes) for (let k = 1; k <= size && left > 0; k++) bits += Math.log2(left-- / k);
  return bits;
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
