import type { Interpretation } from '../program/interpretation.ts';
import { NOISE_SHARE } from './answer-noise.ts';

/** One answer, as coarse as its owner wants it. */
export type RegionAnswer = {
  /** The most probable one. */
  readonly label: string;
  /** Of `label`, a multiple of the step; absent if only labels may leave. */
  readonly probability?: number;
  /** By label, in the order of `labels`, multiples of the step, so they need not sum to 1; absent if only labels may leave. */
  readonly probabilities?: Readonly<Record<string, number>>;
};

/** Steps of probabilities, unless somebody says otherwise. */
const DEFAULT_STEP = 0.05;

/** What may leave the decryptor: coarse answers, or nothing. `reason` is for the operator, never for the sender. */
export type Interpreted =
  /** One answer for each region, in their order. */
  | { readonly ok: true; readonly answers: readonly RegionAnswer[] }
  | {
      readonly ok: false;
      readonly reason: 'slots' | 'not-finite' | 'not-zero' | 'copies-differ' | 'out-of-range' | 'no-logit';
    };

/**
 * Turns the decrypted slots of an answer into a label and rounded probabilities, one set for each region, or withholds all of them.
 *
 * Anyone who gets the backend to open a ciphertext of his choice reads secrets off the answer, so only a ciphertext that the program can
 * have produced may pass: empty slots must be zero, copies must agree, and logits must lie in the calibrated range. All slots are
 * checked before any verdict, in the order below. A ciphertext is accepted completely or not at all: one that fails in a single region
 * was not made by the program, so its other regions are somebody's choice too.
 *
 * @param options.noise one number of variance 1 for each logit ({@link answerNoise}), added before the range is checked and probabilities are made. Without it only
 *   the owner may see the answer, as in an evaluation.
 * @param options.step of the probabilities, one of 1 / n; null for labels without any.
 */
export function interpretSlots(
  slots: Float64Array,
  interpretation: Interpretation,
  { noise, step = DEFAULT_STEP }: { readonly noise?: Float64Array; readonly step?: number | null } = {},
): Interpreted {
  const { labels, regions = 1, expected, unit, range, tolerance } = interpretation;
  const count = regions * labels.length;
  if (slots.length < expected.length) return { ok: false, reason: 'slots' };
  const logits = new Float64Array(count).fill(Number.NaN);
  const lowest = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const highest = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  const sums = new Float64Array(count);
  const copies = new Uint32Array(count);
  let finite = true;
  let largestEmpty = 0;
  for (let i = 0; i < expected.length; i++) {
    const index = expected[i]!;
    const value = slots[i]! * unit;
    if (!Number.isFinite(value)) finite = false;
    if (index === -1) largestEmpty = Math.max(largestEmpty, Math.abs(value));
    if (index < 0) continue;
    lowest[index] = Math.min(lowest[index]!, value);
    highest[index] = Math.max(highest[index]!, value);
    sums[index] = sums[index]! + value;
    copies[index] = copies[index]! + 1;
  }
  let widest = 0;
  let largest = 0;
  for (let index = 0; index < count; index++) {
    const added = (noise?.[index] ?? 0) * NOISE_SHARE * range;
    logits[index] = sums[index]! / copies[index]! + added;
    widest = Math.max(widest, highest[index]! - lowest[index]!);
    largest = Math.max(largest, Math.abs(lowest[index]! + added), Math.abs(highest[index]! + added));
  }
  if (!finite) return { ok: false, reason: 'not-finite' };
  if (copies.includes(0)) return { ok: false, reason: 'no-logit' };
  if (!(largestEmpty <= tolerance)) return { ok: false, reason: 'not-zero' };
  if (!(widest <= tolerance)) return { ok: false, reason: 'copies-differ' };
  if (!(largest <= range)) return { ok: false, reason: 'out-of-range' };

  const answers = Array.from({ length: regions }, (_, region) =>
    roundAnswer(logits.subarray(region * labels.length, (region + 1) * labels.length), labels, step),
  );
  return { ok: true, answers };
}

function roundAnswer(logits: Float64Array, labels: readonly string[], step: number | null): RegionAnswer {
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
