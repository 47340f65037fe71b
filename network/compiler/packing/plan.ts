import type { OperationCost } from '#fhe/design';
import type { LinearStep, PoolStep, StepNetwork } from '../lowering/steps.ts';
import { proposeCanvases, proposeLayouts } from './candidates.ts';
import {
  linearDiagonals,
  type PlannedLinear,
  type PooledInput,
  planLinear,
  pooledInput,
  sampleRows,
} from './plan-linear.ts';
import { poolLayout } from './pool-layout.ts';
import { type PlanProgress, refineLayouts } from './refine-layouts.ts';
import { bytesValue, productsValue } from './schedule.ts';
import type { SlotLayout } from './slot-layout.ts';

/** A plan for all linear steps, by index of the step. */
export type NetworkPlan = {
  readonly depth: number;
  readonly layouts: readonly (SlotLayout | null)[];
  readonly linear: ReadonlyMap<number, PlannedLinear>;
  /** Time of products (activations) and pools. */
  readonly productMilliseconds: number;
  readonly milliseconds: number;
  /** Time, and what the bytes are worth: plans of one network compare by it. */
  readonly value: number;
};

/** Levels that lead from the picture to each register. */
export function registerDepths(network: StepNetwork): number[] {
  const depths = [0];
  for (const step of network.steps) {
    if (step.kind === 'pool') {
      depths.push(depths[step.source]!);
      continue;
    }
    const sources = step.kind === 'product' ? [step.left, step.right] : step.terms.map((t) => t.source);
    depths.push(1 + Math.max(0, ...sources.map((source) => depths[source]!)));
  }
  return depths;
}

/** Registers that must share a layout: factors and their product. The picture stands alone. */
function layoutClasses(network: StepNetwork): number[] {
  const parent = Array.from({ length: network.steps.length + 1 }, (_, i) => i);
  const find = (i: number): number => {
    let root = i;
    while (parent[root] !== root) root = parent[root]!;
    return root;
  };
  network.steps.forEach((step, i) => {
    if (step.kind !== 'product') return;
    for (const factor of [step.left, step.right]) parent[find(factor)] = find(i + 1);
  });
  // The number of a class is that of its first register, so that classes are in the order of their making.
  const first = new Map<number, number>();
  return parent.map((_, i) => {
    const root = find(i);
    if (!first.has(root)) first.set(root, i);
    return first.get(root)!;
  });
}

/**
 * Chooses layouts by dynamic programming over the tree in which every tensor hangs on the largest term that makes it; the other terms
 * (shortcuts) are weighed afterwards (`refine-layouts.ts`). Costs are estimated on a sample of rows and made exact for what is chosen.
 *
 * @returns null where pools stand on no layout that was tried.
 */
export function planNetwork(
  network: StepNetwork,
  slots: number,
  cost: OperationCost,
  onProgress?: (progress: PlanProgress) => void,
): NetworkPlan | null {
  const { steps } = network;
  const depths = registerDepths(network);
  const depth = depths.at(-1)!;
  const classes = layoutClasses(network);
  /** The register that a pooled one is made of, and the way there. */
  const poolsOf = (register: number): { root: number; pools: PoolStep[] } => {
    const pools: PoolStep[] = [];
    let root = register;
    for (let step = steps[root - 1]; step?.kind === 'pool'; step = steps[root - 1]) {
      pools.unshift(step);
      root = step.source;
    }
    return { root, pools };
  };
  const classOf = (register: number): number => classes[poolsOf(register).root]!;
  const shapes = steps.flatMap((step) => (step.kind === 'linear' ? [step.shape] : []));
  const canvases = proposeCanvases(shapes);
  const levelOf = (step: number): number => depth - depths[step + 1]! + 1;

  const linearOf = new Map<number, number[]>();
  steps.forEach((step, i) => {
    if (step.kind !== 'linear') return;
    const key = classes[i + 1]!;
    linearOf.set(key, [...(linearOf.get(key) ?? []), i]);
  });
  const ordered = [...linearOf.keys()].sort((a, b) => a - b);
  const candidates = new Map(
    ordered.map((key) => {
      const made = linearOf.get(key)!;
      const step = steps[made[0]!] as LinearStep;
      return [key, proposeLayouts(step.shape, slots, canvases, made.includes(steps.length - 1))];
    }),
  );
  /** The class that a class hangs on; 0 the picture. */
  const parentOf = new Map(
    ordered.map((key) => {
      const terms = linearOf.get(key)!.flatMap((i) => (steps[i] as LinearStep).terms);
      const others = terms.filter(({ source }) => classOf(source) !== key);
      const main = others.reduce((a, b) => (b.affine.column.length > a.affine.column.length ? b : a));
      return [key, classOf(main.source)];
    }),
  );
  /** Value of the subtree below a class, by candidate; and the candidates that its children then take. */
  const below = new Map<number, { value: number; children: Map<number, number> }[]>(
    ordered.map((key) => [
      key,
      candidates.get(key)!.map(() => ({ value: 0, children: new Map<number, number>() })),
    ]),
  );
  const root = { value: 0, children: new Map<number, number>() };
  for (const [done, key] of [...ordered].reverse().entries()) {
    onProgress?.({ step: 'layouts', done, total: ordered.length });
    const parent = parentOf.get(key)!;
    const samples = linearOf.get(key)!.map((i) => ({ i, rows: sampleRows(steps[i] as LinearStep) }));
    const parents = parent === 0 ? [null] : candidates.get(parent)!;
    parents.forEach((input, p) => {
      const pooled = new Map<number, PooledInput | null>();
      const inputOf = (register: number): PooledInput | null => {
        let made = pooled.get(register);
        if (made === undefined) {
          made = pooledInput(input!, poolsOf(register).pools);
          pooled.set(register, made);
        }
        return made;
      };
      let best = Number.POSITIVE_INFINITY;
      let chosen = 0;
      candidates.get(key)!.forEach((output, c) => {
        let value = below.get(key)![c]!.value;
        for (const { i, rows } of samples) {
          const step = steps[i] as LinearStep;
          const weighed = {
            ...step,
            terms: step.terms.filter(({ source }) => source === 0 || classOf(source) === parent),
          };
          const level = levelOf(i);
          const inputs = weighed.terms.flatMap(({ source }) => (source === 0 ? [] : [inputOf(source)]));
          if (inputs.includes(null)) return;
          const switches = inputs.reduce((sum, one) => sum + one!.keySwitches, 0);
          value += cost.fold(level, switches);
          const found = linearDiagonals(weighed, (register) => inputOf(register)!.layout, output, rows);
          // Most candidates are far off: products alone tell, before any schedule is tried.
          if (value + productsValue(found.diagonals.length, level, cost) >= best) return;
          const planned = planLinear(weighed, level, output, found, cost);
          value += planned.milliseconds + bytesValue(planned.schedule, level, cost);
          if (value >= best) return;
        }
        // A product of several ciphertexts costs as many key switches.
        value += output.ciphertexts * cost.relinearizeRescale(levelOf(samples[0]!.i) - 1);
        if (value < best) {
          best = value;
          chosen = c;
        }
      });
      const node = parent === 0 ? root : below.get(parent)![p]!;
      node.value += best;
      node.children.set(key, chosen);
    });
  }

  const chosen = new Map<number, SlotLayout>();
  const choose = (node: { children: Map<number, number> }): void => {
    for (const [key, c] of node.children) {
      chosen.set(key, candidates.get(key)![c]!);
      choose(below.get(key)![c]!);
    }
  };
  if (root.value === Number.POSITIVE_INFINITY) return null;
  choose(root);
  const sourceOf = (register: number) => ({ key: classOf(register), pools: poolsOf(register).pools });
  const choice = { steps, cost, linearOf, candidates, levelOf, sourceOf };
  const refined = refineLayouts(choice, chosen, onProgress);
  const layouts: (SlotLayout | null)[] = [];
  classes.forEach((key, register) => {
    const step = steps[register - 1];
    layouts.push(
      step?.kind === 'pool'
        ? (poolLayout(layouts[step.source]!, step)?.layout ?? null)
        : (refined.get(key) ?? null),
    );
  });
  if (layouts.some((layout, register) => register > 0 && layout === null)) return null;
  const linear = new Map<number, PlannedLinear>();
  let productMilliseconds = 0;
  steps.forEach((step, i) => {
    const level = levelOf(i);
    const output = layouts[i + 1]!;
    if (step.kind === 'pool') {
      const { fold } = poolLayout(layouts[step.source]!, step)!;
      productMilliseconds += output.ciphertexts * cost.fold(level - 1, fold.length);
    } else if (step.kind === 'linear')
      linear.set(
        i,
        planLinear(
          step,
          level,
          output,
          linearDiagonals(step, (register) => layouts[register]!, output),
          cost,
        ),
      );
    else {
      const one = cost.product(level, false) + cost.relinearizeRescale(level);
      productMilliseconds += output.ciphertexts * one;
    }
  });
  const linearMilliseconds = [...linear.values()].reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return {
    depth,
    layouts,
    linear,
    productMilliseconds,
    milliseconds: linearMilliseconds + productMilliseconds,
    value:
      linearMilliseconds +
      productMilliseconds +
      [...linear.values()].reduce((sum, { schedule, level }) => sum + bytesValue(schedule, level, cost), 0),
  };
}
