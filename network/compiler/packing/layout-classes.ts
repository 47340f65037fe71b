import type { PoolStep, StepNetwork } from '../lowering/steps.ts';

/** Origin of a register's values: the class of the tensor that was pooled, and the pools. */
export type LayoutSource = { readonly key: number; readonly pools: readonly PoolStep[] };

/**
 * Tensors whose layouts are chosen. Factors and their product share a layout, so they form a class, numbered by its first register; 0 is
 * the picture, which is laid out for each reader.
 */
export type LayoutClasses = {
  /** In the order of creation, without the picture. */
  readonly keys: readonly number[];
  /** Linear steps that make each class, in order. */
  readonly linearOf: ReadonlyMap<number, readonly number[]>;
  readonly sourceOf: (register: number) => LayoutSource;
};

/** The class of every register; meaningless for a pooled one. */
function joinFactors({ steps }: StepNetwork): number[] {
  const parent = Array.from({ length: steps.length + 1 }, (_, i) => i);
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root]!;
    return root;
  };
  steps.forEach((step, i) => {
    if (step.kind !== 'product') return;
    for (const factor of [step.left, step.right]) parent[find(factor)] = find(i + 1);
  });
  const first = new Map<number, number>();
  return parent.map((_, i) => {
    const root = find(i);
    if (!first.has(root)) first.set(root, i);
    return first.get(root)!;
  });
}

/** Finds the tensors of a network that share layouts. */
export function layoutClasses(network: StepNetwork): LayoutClasses {
  const { steps } = network;
  const classes = joinFactors(network);
  const sourceOf = (register: number): LayoutSource => {
    const pools: PoolStep[] = [];
    let root = register;
    for (let step = steps[root - 1]; step?.kind === 'pool'; step = steps[root - 1]) {
      pools.unshift(step);
      root = step.source;
    }
    return { key: classes[root]!, pools };
  };
  const linearOf = new Map<number, number[]>();
  steps.forEach((step, i) => {
    if (step.kind !== 'linear') return;
    const key = classes[i + 1]!;
    linearOf.set(key, [...(linearOf.get(key) ?? []), i]);
  });
  const keys = [...linearOf.keys()].sort((a, b) => a - b);
  return { keys, linearOf, sourceOf };
}
