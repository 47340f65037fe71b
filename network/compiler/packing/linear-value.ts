import type { LinearStep } from '../lowering/steps.ts';
import type { LayoutProblem } from './layout-problem.ts';
import { linearDiagonals, type PooledInput, planLinear } from './plan-linear.ts';
import { bytesValue, productsValue } from './schedule.ts';
import type { SlotLayout } from './slot-layout.ts';

/** The layouts between which a linear step is weighed. */
export type LinearLayouts = {
  readonly output: SlotLayout;
  /** Of every register that is read but the picture; null where its pools do not fit it. */
  readonly inputOf: (register: number) => PooledInput | null;
};

/**
 * Estimates what a linear step is worth: its time, that of the pools before it, and what its bytes are worth.
 *
 * @param reads the terms that are weighed; all where left out.
 * @param most a value that makes the layouts uninteresting: most are far off, and products alone tell, before any schedule is tried.
 * @returns milliseconds; infinite where pools fit no layout, or from `most` on.
 */
export function linearValue(
  { steps, cost, levels, samples }: LayoutProblem,
  i: number,
  { output, inputOf }: LinearLayouts,
  most: number,
  reads: (source: number) => boolean = () => true,
): number {
  const whole = steps[i] as LinearStep;
  const step = { ...whole, terms: whole.terms.filter(({ source }) => source === 0 || reads(source)) };
  const level = levels[i]!;
  let rotations = 0;
  for (const { source } of step.terms) {
    if (source === 0) continue;
    const input = inputOf(source);
    if (input === null) return Number.POSITIVE_INFINITY;
    rotations += input.keySwitches;
  }
  const pooling = cost.fold(level, rotations);
  const found = linearDiagonals(step, (register) => inputOf(register)!.layout, output, samples[i]);
  if (pooling + productsValue(found.diagonals.length, level, cost) >= most) return Number.POSITIVE_INFINITY;
  const { milliseconds, schedule } = planLinear(step, level, output, found, cost);
  const value = pooling + milliseconds + bytesValue(schedule, level, cost);
  return value < most ? value : Number.POSITIVE_INFINITY;
}
