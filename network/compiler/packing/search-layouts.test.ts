import { describe, expect, it } from 'vitest';
import { randomStack } from '#network/testing/random-stack.ts';
import { denseGraph } from '#network/testing/small-graphs.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { registerDepths } from '../lowering/register-depths.ts';
import { chooseParameters } from './choose-parameters.ts';
import { type LayoutProblem, layoutProblem } from './layout-problem.ts';
import { priceLayouts } from './price-layouts.ts';
import { refineLayouts } from './refine-layouts.ts';
import { searchLayouts } from './search-layouts.ts';
import type { SlotLayout } from './slot-layout.ts';

/** The problem for a graph in a ring of 256 slots, with few enough candidates to try all. */
function problemOf(graph: Parameters<typeof lowerSteps>[0], most = 8): LayoutProblem {
  const network = lowerSteps(graph);
  const { cost } = chooseParameters(registerDepths(network).at(-1)!);
  const problem = layoutProblem(network, 256, cost);
  const candidates = new Map([...problem.candidates].map(([key, list]) => [key, list.slice(0, most)]));
  return { ...problem, candidates };
}

/** The least cost of any choice of layouts. */
function leastValue(problem: LayoutProblem): number {
  let least = Number.POSITIVE_INFINITY;
  const choose = (chosen: ReadonlyMap<number, SlotLayout>, [key, ...rest]: readonly number[]): void => {
    if (key === undefined) least = Math.min(least, priceLayouts(problem, chosen)?.value ?? least);
    else for (const layout of problem.candidates.get(key)!) choose(new Map([...chosen, [key, layout]]), rest);
  };
  choose(new Map(), problem.classes.keys);
  return least;
}

describe('SearchLayouts', () => {
  it('finds the best of all choices for a chain', () => {
    const problem = problemOf(denseGraph(2, [12, 20, 10, 6, 3]));
    const found = searchLayouts(problem)!;
    expect([...found.keys()].sort((a, b) => a - b)).toEqual(problem.classes.keys);
    expect(priceLayouts(problem, found)!.value).toBeCloseTo(leastValue(problem), 9);
  });

  it('finds nearly the best of all choices for a shortcut, whose costs it adds up in parts', () => {
    const problem = problemOf(randomStack(3, ['conv', 'residual'], { side: 4, maps: 3 }), 5);
    const found = searchLayouts(problem)!;
    expect(priceLayouts(problem, found)!.value).toBeLessThan(1.02 * leastValue(problem));
  });

  it('counts what it chooses on all rows, and searches again', () => {
    const problem = problemOf(denseGraph(2, [12, 20, 10, 6, 3]));
    // One row of each layer, which shows next to nothing.
    const samples = problem.steps.map((step) => (step.kind === 'linear' ? Int32Array.of(1) : undefined));
    const found = searchLayouts({ ...problem, samples })!;
    expect(priceLayouts(problem, found)!.value).toBeLessThan(1.05 * leastValue(problem));
  });

  it('says how far it is', () => {
    const done: number[] = [];
    searchLayouts(problemOf(denseGraph(2, [12, 20, 3])), (progress) =>
      done.push(progress.done / progress.total),
    );
    expect(done).toEqual([0, 1 / 2]);
  });
});

describe('RefineLayouts', () => {
  it('makes nothing worse where a shortcut matters, and leaves a chain as the search found it', () => {
    const problem = problemOf(randomStack(3, ['conv', 'residual', 'projection'], { side: 4, maps: 2 }), 40);
    const found = searchLayouts(problem)!;
    const refined = refineLayouts(problem, found);
    expect(priceLayouts(problem, refined)!.value).toBeLessThanOrEqual(priceLayouts(problem, found)!.value);
    const chain = problemOf(denseGraph(2, [12, 20, 10, 3]));
    const alone = searchLayouts(chain)!;
    expect(refineLayouts(chain, alone)).toEqual(alone);
  });
});
