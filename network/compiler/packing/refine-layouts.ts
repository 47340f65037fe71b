import type { OperationCost } from '#fhe/design';
import type { LinearStep, PoolStep, Step } from '../lowering/steps.ts';
import { linearDiagonals, planLinear, pooledInput, sampleRows } from './plan-linear.ts';
import { bytesValue, productsValue } from './schedule.ts';
import type { SlotLayout } from './slot-layout.ts';

/** Layouts of the tensors of a network, by class: all registers of a class share one. */
export type LayoutChoice = {
  readonly steps: readonly Step[];
  readonly cost: OperationCost;
  /** Linear steps that make each class, in order. */
  readonly linearOf: ReadonlyMap<number, readonly number[]>;
  readonly candidates: ReadonlyMap<number, readonly SlotLayout[]>;
  readonly levelOf: (step: number) => number;
  /** The class of a register, 0 for the picture, and the pools between. */
  readonly sourceOf: (register: number) => { readonly key: number; readonly pools: readonly PoolStep[] };
};

const SWEEPS = 3;

/** What a plan of many layers is busy with: tensors whose layout is chosen, or weighed again because of shortcuts. */
export type PlanProgress = {
  readonly step: 'layouts' | 'shortcuts';
  readonly done: number;
  readonly total: number;
};

/**
 * Improves layouts where shortcuts make the choice of one tensor matter to several others, which no search along a tree sees: each candidate
 * is tried against everything that makes and reads it, first for all tensors of one shape together (the two ends of a shortcut have one),
 * then for each, until nothing gets better.
 */
export function refineLayouts(
  { steps, cost, linearOf, candidates, levelOf, sourceOf }: LayoutChoice,
  found: ReadonlyMap<number, SlotLayout>,
  onProgress?: (progress: PlanProgress) => void,
): Map<number, SlotLayout> {
  const chosen = new Map(found);
  const classesRead = (step: LinearStep): Set<number> =>
    new Set(step.terms.flatMap(({ source }) => (source === 0 ? [] : [sourceOf(source).key])));
  const readers = new Map<number, Set<number>>();
  const made = new Map<number, number>();
  for (const [key, list] of linearOf) {
    for (const i of list) {
      made.set(i, key);
      for (const read of classesRead(steps[i] as LinearStep))
        readers.set(read, (readers.get(read) ?? new Set()).add(i));
    }
  }
  const rows = new Map([...made.keys()].map((i) => [i, sampleRows(steps[i] as LinearStep)]));

  /** Value of one linear step with the layouts as they are; infinite where pools fit no layout or it exceeds `most`. */
  const stepValue = (i: number, most: number): number => {
    const step = steps[i] as LinearStep;
    const level = levelOf(i);
    const output = chosen.get(made.get(i)!)!;
    const layouts = new Map<number, SlotLayout>();
    let rotations = 0;
    for (const { source } of step.terms) {
      if (source === 0) continue;
      const { key, pools } = sourceOf(source);
      const input = pooledInput(chosen.get(key)!, pools);
      if (input === null) return Number.POSITIVE_INFINITY;
      layouts.set(source, input.layout);
      rotations += input.keySwitches;
    }
    const diagonals = linearDiagonals(step, (register) => layouts.get(register)!, output, rows.get(i));
    const pooling = cost.fold(level, rotations);
    if (pooling + productsValue(diagonals.diagonals.length, level, cost) >= most)
      return Number.POSITIVE_INFINITY;
    const planned = planLinear(step, level, output, diagonals, cost);
    return pooling + planned.milliseconds + bytesValue(planned.schedule, level, cost);
  };
  /** Steps that make or read one of these classes; none where no shortcut is among them: the search along the tree knew all about those. */
  const touchedBy = (keys: readonly number[]): number[] => {
    const touched = [...new Set(keys.flatMap((key) => [...linearOf.get(key)!, ...(readers.get(key) ?? [])]))];
    return touched.some((i) => classesRead(steps[i] as LinearStep).size > 1) ? touched : [];
  };
  /** Value of everything that classes touch. */
  const around = (keys: readonly number[], touched: readonly number[], most: number): number => {
    let value = 0;
    for (const key of keys) {
      const level = levelOf(linearOf.get(key)![0]!);
      value += chosen.get(key)!.ciphertexts * cost.relinearizeRescale(level - 1);
    }
    for (const i of touched) {
      value += stepValue(i, most - value);
      if (value >= most) return Number.POSITIVE_INFINITY;
    }
    return value;
  };
  /** Tries the same layout for all of these classes, and keeps the best. */
  const improve = (keys: readonly number[]): boolean => {
    const touched = touchedBy(keys);
    if (touched.length === 0) return false;
    let best = keys.map((key) => chosen.get(key)!);
    const before = around(keys, touched, Number.POSITIVE_INFINITY);
    let value = before;
    for (const { name } of candidates.get(keys[0]!)!) {
      const layouts = keys.map((key) => candidates.get(key)!.find((layout) => layout.name === name));
      if (layouts.includes(undefined)) continue;
      keys.forEach((key, i) => {
        chosen.set(key, layouts[i]!);
      });
      const tried = around(keys, touched, value);
      if (tried >= value) continue;
      value = tried;
      best = layouts as SlotLayout[];
    }
    keys.forEach((key, i) => {
      chosen.set(key, best[i]!);
    });
    return value < before;
  };

  const keys = [...linearOf.keys()];
  const shapeOf = (key: number): string => (steps[linearOf.get(key)![0]!] as LinearStep).shape.join();
  const alike = [...new Set(keys.map(shapeOf))]
    .map((shape) => keys.filter((key) => shapeOf(key) === shape))
    .filter((group) => group.length > 1);
  const groups = [...alike, ...keys.map((key) => [key])];
  for (let sweep = 0, better = true; sweep < SWEEPS && better; sweep++) {
    better = false;
    for (const [done, group] of groups.entries()) {
      onProgress?.({ step: 'shortcuts', done, total: groups.length });
      if (improve(group)) better = true;
    }
  }
  return chosen;
}
