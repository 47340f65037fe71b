import { costTables } from './cost-tables.ts';
import { eliminate } from './eliminate.ts';
import type { LayoutProblem, PlanProgress } from './layout-problem.ts';
import type { SlotLayout } from './slot-layout.ts';

/** Pairs of layouts that cost more than this times the best pair are tried only if there is no other plan. */
const WORTH_TRYING = 8;
/** Searches with estimates that were corrected. */
const MOST_ROUNDS = 40;

/**
 * Chooses the layouts with the least sum of costs, shortcuts included: all layers look ahead at all others. Costs are estimated on a sample of rows, which
 * finds too few diagonals where layouts do not match; so what is chosen is counted on all rows, and the search repeated until that changes nothing: estimates are
 * lower bounds, so nothing better is left. Steps that read several tensors cost the sum of their parts (`cost-tables.ts`); `refine-layouts.ts` evaluates them as they are.
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
  for (const most of [WORTH_TRYING, Number.POSITIVE_INFINITY]) {
    const { steps, products } = costTables(problem, most, onProgress);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const chosen = eliminate(sizes, order, [...products, ...steps]);
      if (chosen === null) break;
      found = chosen;
      // Each on its own: what is chosen is counted, whatever the others say.
      const grown = steps.filter(({ sharpen }) => sharpen(chosen));
      if (grown.length === 0) break;
    }
    if (found !== null) break;
  }
  return found && new Map(classes.keys.map((key) => [key, candidates.get(key)![found.get(key)!]!]));
}
