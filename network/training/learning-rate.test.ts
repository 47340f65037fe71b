import { describe, expect, it } from 'vitest';
import { learningRateAt, SCHEDULES, type Schedule } from './learning-rate.ts';

describe('LearningRate', () => {
  it.each(SCHEDULES)('%s warms up, and never rises again', (schedule) => {
    const rates = Array.from({ length: 1000 }, (_, step) => learningRateAt(schedule, step, 1000, 0.1));
    expect(rates[0]).toBeCloseTo(0.1 / 50, 9);
    expect(rates[49]).toBeCloseTo(0.1, 9);
    for (let step = 50; step < 1000; step++) expect(rates[step]!).toBeLessThanOrEqual(rates[step - 1]!);
  });

  it('falls as each schedule says', () => {
    const shares = (schedule: (typeof SCHEDULES)[number]): number[] =>
      [525, 766, 999].map((step) => learningRateAt(schedule, step, 1000, 1));
    const expected = {
      cosine: [0.505, 0.1507, 0.01],
      linear: [0.505, 0.2539, 0.011],
      steps: [0.1, 0.01, 0.01],
      constant: [1, 1, 1],
    };
    for (const schedule of SCHEDULES) {
      shares(schedule).forEach((share, i) => {
        expect(share, `${schedule}, ${i}`).toBeCloseTo(expected[schedule][i]!, 2);
      });
    }
  });

  it('has a schedule for each phase', () => {
    const phases = [
      { share: 2, schedule: 'constant' },
      { share: 1, schedule: 'linear', rate: 0.5 },
    ] as const;
    const rates = Array.from({ length: 300 }, (_, step) => learningRateAt(phases, step, 300, 0.1));
    const own = (schedule: Schedule, steps: number, highest: number): number[] =>
      Array.from({ length: steps }, (_, step) => learningRateAt(schedule, step, steps, highest));
    expect(rates).toEqual([...own('constant', 200, 0.1), ...own('linear', 100, 0.05)]);
  });
});
