import { costTables } from './cost-tables.ts';
import { eliminate } from './eliminate.ts';
import type { LayoutProblem, PlanProgress } from './layout-problem.ts';
import type { SlotLayout } from './slot-layout.ts';

/** Pairs of layouts that cost more than this times the best pair are tried only if there is no other plan. */
const WORTH_TRYING = 8;

/**
 * Chooses the layouts with the least sum of costs, shortcuts included: all layers look ahead at all others. Costs are estimated on a sample of rows, and
 * those of steps that read several tensors as sums (`cost-tables.ts`); `refine-layouts.ts` evaluates these as they are.
 *
 * Before, a tree search left shortcuts to the refinement: ResNet-20's plan repacked 64 maps in the middle of a block, for 2066 products and
 * 7.2 s in one layer.
 *
 * @returns the layout of each class; null if pools fit none of the layouts tried.
 */
export function searchLayouts(
  problem: LayoutProblem,
  onProgress?: (progress: PlanProgress) => void,
): Map<number, SlotLayout> | null {
  const { classes, candidates } = problem;
  const sizes = new Map(classes.keys.map((key) => [key, candidates.get(key)!.length]));
  const order = [...classes.keys].reverse();
  let found: Map<number, number> | null = null;
  for (const most of [WORTH_TRYING, Number.POSITIVE_INFINITY])
    found ??= eliminate(sizes, order, costTables(problem, most, onProgress));
  return found && new Map(classes.keys.map((key) => [key, candidates.get(key)![found.get(key)!]!]));
}
