import { type LayoutProblem, type PlanProgress, productValue } from './layout-problem.ts';
import { linearValue } from './linear-value.ts';
import { type PooledInput, pooledInput } from './plan-linear.ts';
import type { SlotLayout } from './slot-layout.ts';

/** A class in one of its layouts: the cost of its subtree, and the candidates chosen there. */
type Subtree = { value: number; readonly children: Map<number, number> };

/** The best candidate of a class for one layout of its parent. */
type Choice = { readonly value: number; readonly candidate: number };

/** Layouts of registers after pools, each made once. */
function pooledInputs(
  { classes }: LayoutProblem,
  input: SlotLayout | null,
): (register: number) => PooledInput | null {
  const made = new Map<number, PooledInput | null>();
  return (register) => {
    if (!made.has(register)) made.set(register, pooledInput(input!, classes.sourceOf(register).pools));
    return made.get(register)!;
  };
}

/** Tries all layouts of a class. @param input the layout of its parent; null for the picture. */
function chooseLayout(
  problem: LayoutProblem,
  key: number,
  input: SlotLayout | null,
  subtrees: readonly Subtree[],
): Choice {
  const { classes, candidates } = problem;
  const parent = classes.parentOf.get(key)!;
  const inputOf = pooledInputs(problem, input);
  const reads = (source: number): boolean => classes.sourceOf(source).key === parent;
  let best: Choice = { value: Number.POSITIVE_INFINITY, candidate: 0 };
  candidates.get(key)!.forEach((output, candidate) => {
    let value = subtrees[candidate]!.value + productValue(problem, key, output);
    for (const i of classes.linearOf.get(key)!) {
      if (value >= best.value) return;
      value += linearValue(problem, i, { output, inputOf }, best.value - value, reads);
    }
    if (value < best.value) best = { value, candidate };
  });
  return best;
}

/**
 * Chooses layouts by dynamic programming over the tree in which every tensor's parent is the largest term that makes it; the other terms
 * (shortcuts) are evaluated afterwards (`refine-layouts.ts`). Costs are estimated on a sample of rows.
 *
 * @returns the layout of each class; null if pools fit none of the layouts tried.
 */
export function searchLayouts(
  problem: LayoutProblem,
  onProgress?: (progress: PlanProgress) => void,
): Map<number, SlotLayout> | null {
  const { classes, candidates } = problem;
  const empty = (): Subtree => ({ value: 0, children: new Map() });
  const subtrees = new Map(classes.keys.map((key) => [key, candidates.get(key)!.map(empty)]));
  const root = empty();
  for (const [done, key] of [...classes.keys].reverse().entries()) {
    onProgress?.({ step: 'layouts', done, total: classes.keys.length });
    const parent = classes.parentOf.get(key)!;
    const inputs = parent === 0 ? [null] : candidates.get(parent)!;
    inputs.forEach((input, p) => {
      const { value, candidate } = chooseLayout(problem, key, input, subtrees.get(key)!);
      const above = parent === 0 ? root : subtrees.get(parent)![p]!;
      above.value += value;
      above.children.set(key, candidate);
    });
  }
  if (root.value === Number.POSITIVE_INFINITY) return null;
  const chosen = new Map<number, SlotLayout>();
  const follow = ({ children }: Subtree): void => {
    for (const [key, candidate] of children) {
      chosen.set(key, candidates.get(key)![candidate]!);
      follow(subtrees.get(key)![candidate]!);
    }
  };
  follow(root);
  return chosen;
}
