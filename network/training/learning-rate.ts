/** How the learning rate falls after the warm-up. */
export const SCHEDULES = ['cosine', 'linear', 'steps', 'constant'] as const;

/** See {@link SCHEDULES}. */
export type Schedule = (typeof SCHEDULES)[number];

/**
 * A part of the training with a schedule of its own: how long it is, beside the others, and its highest rate, 1 (the training's) by default. Each rises
 * anew over the first 5 % of its steps.
 */
export type Phase = { readonly share: number; readonly schedule: Schedule; readonly rate?: number };

/** Share of the steps over which the rate rises from zero to its maximum. */
const WARM_UP = 0.05;
/** Share of the maximum rate at which cosine and linear end. */
const LAST = 0.01;

/**
 * Learning rate of a step: a linear warm-up, then a half cosine or a line down to a hundredth, or a drop to a tenth at half and again at
 * three quarters of the way, or a constant. Of several phases, each has its own.
 *
 * @param step counted from 0, of `steps` in all.
 */
export function learningRateAt(
  schedule: Schedule | readonly Phase[],
  step: number,
  steps: number,
  highest: number,
): number {
  if (typeof schedule !== 'string') return phaseRateAt(schedule, step, steps, highest);
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

/** As {@link learningRateAt}, within the phase that the step is in. */
function phaseRateAt(phases: readonly Phase[], step: number, steps: number, highest: number): number {
  const all = phases.reduce((sum, { share }) => sum + share, 0);
  let before = 0;
  let [first, end] = [0, 0];
  for (const { share, schedule, rate = 1 } of phases) {
    before += share;
    [first, end] = [end, Math.round((before / all) * steps)];
    if (step < end) return learningRateAt(schedule, step - first, end - first, rate * highest);
  }
  throw new RangeError(`step ${step} of ${steps}`);
}
