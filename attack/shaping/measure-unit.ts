import { SILENT } from './target.ts';
import type { Told } from './told.ts';

/** Gives an answer out and returns what is published of it. @param logits of all regions, in slot units */
type Say = (logits: readonly number[]) => Promise<Told>;

/**
 * Finds the logit that a slot value of 1 stands for: the liar says logits of his choice, and the published probabilities tell how large they are, through
 * rounding and noise.
 *
 * @param answers how many to spend
 */
export async function measureUnit(
  say: Say,
  { labels, regions, answers }: { labels: number; regions: number; answers: number },
): Promise<number> {
  let guess = 20;
  let [products, squares] = [0, 0];
  for (let i = 0; i < answers; i++) {
    const value = (1.4 + 1.4 * ((i * 0.618) % 1)) / guess;
    // Half of it each way: twice the range, for the same noise.
    const own = Array.from({ length: labels }, (_, label) =>
      label === 0 ? value / 2 : label === 1 ? -value / 2 : SILENT,
    );
    const told = await say(Array.from({ length: regions }, () => own).flat());
    for (let region = 0; region < regions; region++) {
      const [yes, no] = [told[region * labels]!, told[region * labels + 1]!];
      if (yes < 0.01 || no < 0.01) continue;
      const weight = (yes * no) ** 2;
      products += weight * value * Math.log(yes / no);
      squares += weight * value * value;
    }
    if (squares > 0) guess = Math.min(100, Math.max(5, products / squares));
  }
  return guess;
}
