import type { Interpretation } from '../program/interpretation.ts';
import { outputsOf } from '../program/outputs-of.ts';
import { NOISE_SHARE } from './answer-noise.ts';
import { type LabelAnswer, roundLabel } from './round-label.ts';

/** Steps of probabilities, unless somebody says otherwise. */
const DEFAULT_STEP = 0.05;

/** What may leave the decryptor: coarse answers, or nothing. `reason` is for the operator, never for the sender. */
export type Interpreted<Answer> =
  /** One answer for each region, in their order. */
  | { readonly ok: true; readonly answers: readonly Answer[] }
  | {
      readonly ok: false;
      readonly reason: 'slots' | 'not-finite' | 'not-zero' | 'copies-differ' | 'out-of-range' | 'no-logit';
    };

/**
 * Turns the decrypted slots of an answer into a rounded answer for each region, or withholds all of them.
 *
 * Anyone who gets the backend to open a ciphertext of his choice reads secrets off the answer, so only a ciphertext that the program can
 * have produced may pass: empty slots must be zero, copies must agree, and outputs must lie in the calibrated range. All slots are
 * checked before any verdict, in the order below. Slots that no program fills so, in a single place, make all of the ciphertext doubtful. An output beyond the
 * range is what an unusual picture gives, too: it speaks against that picture alone, as long as there are empty slots, and they are zero: an answer that wraps around fills them.
 *
 * @param options.noise one number of variance 1 for each output ({@link answerNoise}), added before the range is checked and anything is rounded. Without it only
 *   the owner may see the answer, as in an evaluation.
 * @param options.pictures regions of each picture, where the ciphertext is about several, each judged by itself: the answers of one that is out of range are
 *   null, and regions beyond the last picture are not looked at. By default all regions are of one picture.
 * @param options.round makes the outputs of one region into what may leave; the label of a classification, with probabilities in steps of 5 %, by default. The
 *   outputs are wiped afterwards.
 */
export function interpretSlots(
  slots: Float64Array,
  interpretation: Interpretation,
  options?: { readonly noise?: Float64Array },
): Interpreted<LabelAnswer>;
export function interpretSlots<Answer>(
  slots: Float64Array,
  interpretation: Interpretation,
  options: { readonly noise?: Float64Array; readonly round: (outputs: Float64Array) => Answer },
): Interpreted<Answer>;
export function interpretSlots<Answer>(
  slots: Float64Array,
  interpretation: Interpretation,
  options: {
    readonly noise?: Float64Array;
    readonly pictures: readonly number[];
    readonly round: (outputs: Float64Array) => Answer;
  },
): Interpreted<Answer | null>;
export function interpretSlots<Answer>(
  slots: Float64Array,
  interpretation: Interpretation,
  {
    noise,
    pictures,
    round,
  }: {
    noise?: Float64Array;
    pictures?: readonly number[];
    round?: (outputs: Float64Array) => Answer;
  } = {},
): Interpreted<Answer | LabelAnswer | null> {
  const { labels, regions = 1, expected, unit, range, tolerance } = interpretation;
  const each = outputsOf(interpretation);
  const count = regions * each;
  if (slots.length < expected.length) return { ok: false, reason: 'slots' };
  const outputs = new Float64Array(count).fill(Number.NaN);
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
  // By region.
  const largest = new Float64Array(regions);
  for (let index = 0; index < count; index++) {
    const added = (noise?.[index] ?? 0) * NOISE_SHARE * range;
    outputs[index] = sums[index]! / copies[index]! + added;
    widest = Math.max(widest, highest[index]! - lowest[index]!);
    const region = Math.floor(index / each);
    const ends = [lowest[index]! + added, highest[index]! + added].map(Math.abs);
    largest[region] = Math.max(largest[region]!, ...ends);
  }
  if (!finite) return { ok: false, reason: 'not-finite' };
  if (copies.includes(0)) return { ok: false, reason: 'no-logit' };
  if (!(largestEmpty <= tolerance)) return { ok: false, reason: 'not-zero' };
  if (!(widest <= tolerance)) return { ok: false, reason: 'copies-differ' };
  // Without an empty slot an answer that wraps around would not show.
  const isTold = pictures !== undefined && expected.includes(-1);
  const inRange = (isTold ? pictures : [regions]).flatMap((count, picture, counts) => {
    const from = counts.slice(0, picture).reduce((sum, one) => sum + one, 0);
    const isInRange = largest.subarray(from, from + count).every((value) => value <= range);
    return new Array<boolean>(count).fill(isInRange);
  });
  if (!inRange.includes(true)) return { ok: false, reason: 'out-of-range' };

  const rounded = round ?? ((outputs) => roundLabel(outputs, labels, DEFAULT_STEP));
  const answers = inRange.map((isInRange, region) =>
    isInRange ? rounded(outputs.subarray(region * each, (region + 1) * each)) : null,
  );
  for (const values of [outputs, lowest, highest, sums, largest]) values.fill(0);
  return { ok: true, answers };
}
