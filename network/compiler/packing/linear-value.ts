import type { LinearStep } from '../lowering/steps.ts';
import type { LayoutProblem } from './layout-problem.ts';
import { patchBytesValue } from './patches.ts';
import { linearDiagonals, type PooledInput, planLinear } from './plan-linear.ts';
import { bytesValue, productsValue } from './schedule.ts';
import type { SlotLayout } from './slot-layout.ts';

/** The layouts between which a linear step is evaluated. */
export type LinearLayouts = {
  readonly output: SlotLayout;
  /** Of every register read except the picture; null if its pools do not fit it. */
  readonly inputOf: (register: number) => PooledInput | null;
};

/**
 * Estimates the cost of a linear step: its time, that of the pools before it, and the price of its bytes.
 *
 * @param reads the terms to evaluate, 0 for those on the picture; all by default.
 * @param most a bound from which on the layouts are uninteresting: most are far off, as products alone show before any schedule is tried.
 * @returns milliseconds; infinite if pools fit no layout, or from `most` on.
 */
export function linearValue(
  { steps, cost, levels, samples }: LayoutProblem,
  i: number,
  { output, inputOf }: LinearLayouts,
  most: number,
  reads: (source: number) => boolean = () => true,
): number {
  const whole = steps[i] as LinearStep;
  const step = { ...whole, terms: whole.terms.filter(({ source }) => reads(source)) };
  const level = levels[i]!;
  let rotations = 0;
  for (const { source } of step.terms) {
    if (source === 0) continue;
    const input = inputOf(source);
    if (input === null) return Number.POSITIVE_INFINITY;
    rotations += input.keySwitches;
  }
  const pooling = cost.fold(level, rotations);
  const rows = samples[i];
  const enough = (most - pooling) / productsValue(1, level, cost);
  const found = linearDiagonals(
    step,
    (register) => inputOf(register)!.layout,
    output,
    rows && { rows, most: enough },
  );
  if (found.diagonals.length >= enough) return Number.POSITIVE_INFINITY;
  const { milliseconds, schedule, patches } = planLinear(step, level, output, found, cost);
  const value =
    pooling + milliseconds + bytesValue(schedule, level, cost) + patchBytesValue(patches, level, cost);
  return value < most ? value : Number.POSITIVE_INFINITY;
}
