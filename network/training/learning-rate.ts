/** How the learning rate falls after the warm-up. */
export const SCHEDULES = ['cosine', 'linear', 'steps', 'constant'] as const;

/** See {@link SCHEDULES}. */
export type Schedule = (typeof SCHEDULES)[number];

/** Share of the steps over which the rate rises from zero to its maximum. */
const WARM_UP = 0.05;
/** Share of the maximum rate at which cosine and linear end. */
const LAST = 0.01;

/**
 * Learning rate of a step: a linear warm-up, then a half cosine or a line down to a hundredth, or a drop to a tenth at half and again at
 * three quarters of the way, or a constant.
 *
 * @param step counted from 0, of `steps` in all.
 */
export function learningRateAt(schedule: Schedule, step: number, steps: number, highest: number): number {
  const warm = Math.max(1, Math.round(WARM_UP * steps));
  if (step < warm) return (highest * (step + 1)) / warm;
  const done = (step - warm) / Math.max(1, steps - warm);
  switch (schedule) {
    case 'cosine':
      return highest * (LAST + (1 - LAST) * 0.5 * (1 + Math.cos(Math.PI * done)));
    case 'linear':
      return highest * (LAST + (1 - LAST) * (1 - done));
    case 'steps':
      return highest * (done < 0.5 ? 1 : done < 0.75 ? 0.1 : 0.01);
    case 'constant':
      return highest;
  }
}
