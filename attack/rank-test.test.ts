import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { rankTest } from './rank-test.ts';

describe('the rank test', () => {
  it('gives the probabilities of the textbook', () => {
    const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i);
    // U = 0 of 100: z = 49.5 / √175, two-sided.
    expect(rankTest(upTo(10), upTo(10, 11))).toBeCloseTo(1.827e-4, 6);
    expect(rankTest(upTo(10, 11), upTo(10))).toBeCloseTo(1.827e-4, 6);
    // Ranks 1.5, 4 and 4: half a rank from the mean of 10.5 after the correction for steps, of √4.5 with the ties.
    expect(rankTest([1, 2, 2], [1, 2, 3])).toBeCloseTo(0.8137, 4);
    expect(rankTest([5, 5, 5], [5, 5])).toBe(1);
  });

  it('gives a false alarm as often as it says, and finds a shift', () => {
    const random = new SeededRandom(7);
    let [alarms, found] = [0, 0];
    const draw = (shift: number) => Array.from({ length: 20 }, () => random.uniform() + shift);
    for (let run = 0; run < 1000; run++) {
      if (rankTest(draw(0), draw(0)) < 0.05) alarms++;
      if (rankTest(draw(0), draw(0.6)) < 0.001) found++;
    }
    expect(alarms).toBeGreaterThan(25);
    expect(alarms).toBeLessThan(80);
    expect(found).toBeGreaterThan(900);
  });
});
