import type { LayoutProblem } from './layout-problem.ts';
import { patchBytesValue } from './patches.ts';
import { linearDiagonals, type PlannedLinear, planLinear } from './plan-linear.ts';
import { poolLayout } from './pool-layout.ts';
import { bytesValue } from './schedule.ts';
import type { SlotLayout } from './slot-layout.ts';

/** A plan for all steps of a network. */
export type LayoutPlan = {
  /** By register; null for the picture. */
  readonly layouts: readonly (SlotLayout | null)[];
  /** By index of the step. */
  readonly linear: ReadonlyMap<number, PlannedLinear>;
  readonly milliseconds: number;
  /** Time plus the price of the bytes; for comparing plans of one network. */
  readonly value: number;
};

/** The layout of every register; null if a pool does not fit that of its source. */
function layoutsOfRegisters(
  { steps, classes }: LayoutProblem,
  chosen: ReadonlyMap<number, SlotLayout>,
): (SlotLayout | null)[] | null {
  const layouts: (SlotLayout | null)[] = [null];
  for (const [i, step] of steps.entries()) {
    const layout =
      step.kind === 'pool'
        ? poolLayout(layouts[step.source]!, step)?.layout
        : chosen.get(classes.sourceOf(i + 1).key);
    if (layout === undefined) return null;
    layouts.push(layout);
  }
  return layouts;
}

/** Plans every step with the chosen layouts, on all rows; null if a pool does not fit. */
export function priceLayouts(
  problem: LayoutProblem,
  chosen: ReadonlyMap<number, SlotLayout>,
): LayoutPlan | null {
  const { steps, cost, levels } = problem;
  const layouts = layoutsOfRegisters(problem, chosen);
  if (layouts === null) return null;
  const linear = new Map<number, PlannedLinear>();
  let milliseconds = 0;
  let bytes = 0;
  steps.forEach((step, i) => {
    const level = levels[i]!;
    const output = layouts[i + 1]!;
    if (step.kind === 'pool') {
      const { fold } = poolLayout(layouts[step.source]!, step)!;
      milliseconds += output.ciphertexts * cost.fold(level - 1, fold.length);
    } else if (step.kind === 'product') {
      milliseconds += output.ciphertexts * (cost.product(level, false) + cost.relinearizeRescale(level));
    } else {
      const diagonals = linearDiagonals(step, (register) => layouts[register]!, output);
      const planned = planLinear(step, level, output, diagonals, cost);
      linear.set(i, planned);
      milliseconds += planned.milliseconds;
      bytes += bytesValue(planned.schedule, level, cost) + patchBytesValue(planned.patches, level, cost);
    }
  });
  return { layouts, linear, milliseconds, value: milliseconds + bytes };
}
