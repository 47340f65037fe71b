import type { Attack } from '../attack.ts';
import { finenessOf } from '../fineness-of.ts';
import { CLASSES, type Complex, ZERO } from '../shaping/leaf.ts';
import { measureUnit } from '../shaping/measure-unit.ts';
import { makeOpener } from '../shaping/open-with-key.ts';
import { type Question, Shaper } from '../shaping/shaper.ts';
import { SlotPicker } from '../shaping/slot-picker.ts';
import { SILENT } from '../shaping/target.ts';
import type { Told } from '../shaping/told.ts';

/** Weights that are asked for at most. */
const MOST = 64;
const UNIT_ANSWERS = 16;
/** Answers about each group of weights: each is told with another noise. */
const REPEATS = 3;
/** Logits for each unit of weight. */
const GAIN = 4;
/** A weight is known when it is known to this much of the largest one. */
const NEAR = 0.15;

/** Takes weights out of the encrypted constants, one for each class of slots, and shows them as logits. */
export const weightsAtOutput: Attack = {
  name: 'weights-at-output',
  sentence: 'takes encrypted weights apart with rotations and masks, and hands them in as logits',
  goesOn: true,
  async run({ site, policy, size, onProgress }) {
    const { gateway } = site;
    const labels = gateway.labels.length;
    const fineness = finenessOf(policy);
    const shaper = await Shaper.open(gateway.material, gateway.layout);
    const picker = await SlotPicker.open(gateway.material);
    try {
      let answersUsed = 0;
      const tell = async (ciphertext: Uint8Array): Promise<Told | null> => {
        answersUsed++;
        return (await site.publish([ciphertext]))[0] ?? null;
      };
      const none = new Array<number>(labels).fill(0);
      const unit = await measureUnit(async (logits) => (await tell(shaper.say(logits))) ?? none, {
        labels,
        regions: 1,
        answers: UNIT_ANSWERS,
      });
      const truth = makeOpener(gateway.material.program.parameters, site.secretKey)(picker.constant);
      const largest = truth.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // Labels but the first show one class of slots each.
      const width = Math.min(CLASSES, labels - 1);
      const gain = GAIN / largest / unit;
      let [recovered, of] = [0, 0];
      const groups = Math.max(1, Math.round((size * MOST) / width));
      for (let group = 0; group < groups; group++) {
        const slots = Array.from({ length: width }, (_, i) => 16 * CLASSES * group + i);
        const source = picker.pick(slots);
        const sums = new Array<number>(width).fill(0);
        for (let repeat = 0; repeat < REPEATS; repeat++) {
          const told = await tell(shaper.ask(source, shaper.write(show(labels, width, gain, repeat))));
          slots.forEach((_, i) => {
            sums[i]! += told === null ? 0 : logOf(told[i + 1]!, fineness) - logOf(told[0]!, fineness);
          });
        }
        slots.forEach((slot, i) => {
          of++;
          const read = sums[i]! / REPEATS / gain / unit;
          if (Math.abs(read - truth[slot]!) < NEAR * largest) recovered++;
        });
        onProgress((group + 1) / groups);
      }
      return { answersUsed, recovered, of, noun: 'encrypted weights' };
    } finally {
      await Promise.all([shaper.close(), picker.close()]);
    }
  },
};

function show(labels: number, width: number, gain: number, repeat: number): Question {
  return {
    weights: Array.from({ length: labels }, (_, l) =>
      Array.from(
        { length: CLASSES },
        (_, c): Complex => (l >= 1 && l <= width && c === l - 1 ? [gain, 0] : ZERO),
      ),
    ),
    offsets: Array.from({ length: labels }, (_, l) => (l > width ? SILENT : l === 0 ? repeat * 4e-6 : 0)),
  };
}

/** The logarithm of a told probability; what was rounded to nothing is taken for half of a step. */
function logOf(share: number, fineness: ReturnType<typeof finenessOf>): number {
  return Math.log(Math.max(share, fineness === 'label' ? 0.25 : fineness.step / 2));
}
