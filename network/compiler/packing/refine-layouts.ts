import type { LinearStep } from '../lowering/steps.ts';
import { type LayoutProblem, type PlanProgress, productValue } from './layout-problem.ts';
import { linearValue } from './linear-value.ts';
import { pooledInput } from './plan-linear.ts';
import type { SlotLayout } from './slot-layout.ts';

const SWEEPS = 3;

/** Layouts of all classes while they are improved. */
class Refinement {
  readonly #problem: LayoutProblem;
  readonly chosen: Map<number, SlotLayout>;
  /** The class that each linear step makes. */
  readonly #made = new Map<number, number>();
  /** Linear steps that read each class. */
  readonly #readers = new Map<number, Set<number>>();

  constructor(problem: LayoutProblem, found: ReadonlyMap<number, SlotLayout>) {
    this.#problem = problem;
    this.chosen = new Map(found);
    for (const [key, list] of problem.classes.linearOf) {
      for (const i of list) {
        this.#made.set(i, key);
        for (const read of this.#classesRead(i))
          this.#readers.set(read, (this.#readers.get(read) ?? new Set()).add(i));
      }
    }
  }

  #classesRead(i: number): Set<number> {
    const { steps, classes } = this.#problem;
    const { terms } = steps[i] as LinearStep;
    return new Set(terms.flatMap(({ source }) => (source === 0 ? [] : [classes.sourceOf(source).key])));
  }

  /** Steps that make or read one of these classes; none if no shortcut is among them: the tree search already covered those. */
  #touchedBy(keys: readonly number[]): number[] {
    const { linearOf } = this.#problem.classes;
    const all = keys.flatMap((key) => [...linearOf.get(key)!, ...(this.#readers.get(key) ?? [])]);
    const touched = [...new Set(all)];
    return touched.some((i) => this.#classesRead(i).size > 1) ? touched : [];
  }

  /** Cost of everything that classes touch; infinite from `most` on. */
  #around(keys: readonly number[], touched: readonly number[], most: number): number {
    const inputOf = (register: number) => {
      const { key, pools } = this.#problem.classes.sourceOf(register);
      return pooledInput(this.chosen.get(key)!, pools);
    };
    let value = 0;
    for (const key of keys) value += productValue(this.#problem, key, this.chosen.get(key)!);
    for (const i of touched) {
      const output = this.chosen.get(this.#made.get(i)!)!;
      value += linearValue(this.#problem, i, { output, inputOf }, most - value);
      if (value >= most) return Number.POSITIVE_INFINITY;
    }
    return value;
  }

  #choose(keys: readonly number[], layouts: readonly SlotLayout[]): void {
    keys.forEach((key, i) => {
      this.chosen.set(key, layouts[i]!);
    });
  }

  /** Tries the same layout for all of these classes, and keeps the best. @returns whether anything got better. */
  improve(keys: readonly number[]): boolean {
    const touched = this.#touchedBy(keys);
    if (touched.length === 0) return false;
    const { candidates } = this.#problem;
    let best = keys.map((key) => this.chosen.get(key)!);
    const before = this.#around(keys, touched, Number.POSITIVE_INFINITY);
    let value = before;
    for (const { name } of candidates.get(keys[0]!)!) {
      const layouts = keys.flatMap(
        (key) => candidates.get(key)!.find((layout) => layout.name === name) ?? [],
      );
      if (layouts.length < keys.length) continue;
      this.#choose(keys, layouts);
      const tried = this.#around(keys, touched, value);
      if (tried >= value) continue;
      value = tried;
      best = layouts;
    }
    this.#choose(keys, best);
    return value < before;
  }
}

/**
 * Improves layouts where shortcuts make one tensor's choice affect several others, which no tree search sees: each candidate is
 * evaluated with everything that makes and reads it, first for all tensors of one shape together (the two ends of a shortcut have the
 * same), then for each, until nothing gets better.
 */
export function refineLayouts(
  problem: LayoutProblem,
  found: ReadonlyMap<number, SlotLayout>,
  onProgress?: (progress: PlanProgress) => void,
): ReadonlyMap<number, SlotLayout> {
  const { steps, classes } = problem;
  const refinement = new Refinement(problem, found);
  const shapeOf = (key: number): string => (steps[classes.linearOf.get(key)![0]!] as LinearStep).shape.join();
  const alike = [...new Set(classes.keys.map(shapeOf))]
    .map((shape) => classes.keys.filter((key) => shapeOf(key) === shape))
    .filter((group) => group.length > 1);
  const groups = [...alike, ...classes.keys.map((key) => [key])];
  for (let sweep = 0, better = true; sweep < SWEEPS && better; sweep++) {
    better = false;
    for (const [done, group] of groups.entries()) {
      onProgress?.({ step: 'shortcuts', done, total: groups.length });
      if (refinement.improve(group)) better = true;
    }
  }
  return refinement.chosen;
}
