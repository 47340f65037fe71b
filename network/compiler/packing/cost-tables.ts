import type { LinearStep } from '../lowering/steps.ts';
import type { CostTable } from './eliminate.ts';
import { type LayoutProblem, type PlanProgress, productValue } from './layout-problem.ts';
import { linearValue } from './linear-value.ts';
import { type PooledInput, pooledInput } from './plan-linear.ts';
import { scheduleDiagonals } from './schedule.ts';
import type { SlotLayout } from './slot-layout.ts';

/** What a linear step reads of one class; 0 for the picture. */
type Reading = {
  readonly step: number;
  readonly made: number;
  readonly read: number;
  readonly sources: ReadonlySet<number>;
  /** Of the largest reading of the step: it pays for what all share, relinearizations and folds. */
  readonly main: boolean;
  readonly entries: number;
};

/** Costs between all layouts of two classes, at a level. */
type Known = { readonly values: Float64Array; readonly level: number; readonly least: number };

/** What every linear step reads, the largest readings first. */
function findReadings({ steps, classes }: LayoutProblem): Reading[] {
  const readings: Reading[] = [];
  for (const [made, list] of classes.linearOf) {
    for (const step of list) {
      const bySource = new Map<number, { sources: Set<number>; entries: number }>();
      for (const { source, affine } of (steps[step] as LinearStep).terms) {
        const { key } = classes.sourceOf(source);
        const own = bySource.get(key) ?? { sources: new Set<number>(), entries: 0 };
        own.sources.add(source);
        bySource.set(key, { ...own, entries: own.entries + affine.column.length });
      }
      const sorted = [...bySource].sort(([, a], [, b]) => b.entries - a.entries);
      sorted.forEach(([read, own], rank) => {
        readings.push({ step, made, read, ...own, main: rank === 0 });
      });
    }
  }
  return readings.sort((a, b) => Number(b.main) - Number(a.main) || b.entries - a.entries);
}

/** Fills tables, and those of like layers from each other. */
class TableMaker {
  readonly #problem: LayoutProblem;
  /** Least cost of the main reading of each step. */
  readonly #least = new Map<number, number>();
  readonly #known = new Map<string, Known>();
  /** Costs beyond this factor of the least of the layer are infinite. */
  readonly #most: number;

  constructor(problem: LayoutProblem, most: number) {
    this.#problem = problem;
    this.#most = most;
  }

  make(reading: Reading): CostTable {
    const { made, read, step } = reading;
    const { cost, levels } = this.#problem;
    const level = levels[step]!;
    const like = this.#likeness(reading);
    const known = this.#known.get(like) ?? this.#measure(reading);
    this.#known.set(like, known);
    // Costs of like layers at different levels differ by a factor, nearly: what is chosen is evaluated at its own level again.
    const factor = cost.relinearizeRescale(level) / cost.relinearizeRescale(known.level);
    if (reading.main) this.#least.set(step, known.least * factor);
    const values = factor === 1 ? known.values : known.values.map((value) => value * factor);
    if (read === 0) return { scope: [made], values };
    if (read !== made) return { scope: [read, made], values };
    const outputs = this.#problem.candidates.get(made)!.length;
    return {
      scope: [made],
      values: Float64Array.from({ length: outputs }, (_, k) => values[k * outputs + k]!),
    };
  }

  #measure({ step, made, read, sources, main }: Reading): Known {
    const { candidates, levels } = this.#problem;
    const outputs = candidates.get(made)!;
    const inputs = read === 0 ? [null] : candidates.get(read)!;
    const values = new Float64Array(inputs.length * outputs.length).fill(Number.POSITIVE_INFINITY);
    let least = Number.POSITIVE_INFINITY;
    inputs.forEach((input, p) => {
      const inputOf = this.#pooled(input);
      outputs.forEach((output, k) => {
        if (read === made && p !== k) return;
        const shared = main ? 0 : this.#shared(step, output);
        const most = this.#most * (main ? least : this.#least.get(step)!) + shared;
        const value = linearValue(this.#problem, step, { output, inputOf }, most, (source) =>
          sources.has(source),
        );
        values[p * outputs.length + k] = Math.max(0, value - shared);
        least = Math.min(least, value);
      });
    });
    return { values, level: levels[step]!, least };
  }

  /** What a step costs that reads nothing. */
  #shared(step: number, output: SlotLayout): number {
    const { cost, levels } = this.#problem;
    return scheduleDiagonals([], output, levels[step]!, cost, 0).milliseconds;
  }

  #pooled(input: SlotLayout | null): (register: number) => PooledInput | null {
    const { classes } = this.#problem;
    const made = new Map<number, PooledInput | null>();
    return (register) => {
      if (!made.has(register)) made.set(register, pooledInput(input!, classes.sourceOf(register).pools));
      return made.get(register)!;
    };
  }

  /** Equal for readings that cost the same in the same layouts: the same entries in the rows that estimates use, the same candidates. */
  #likeness({ step, made, read, sources, main }: Reading): string {
    const { steps, samples, classes, candidates } = this.#problem;
    const names = (key: number): string =>
      (candidates.get(key) ?? []).map(({ name, at }) => `${name} of ${at.length}`).join();
    let hash = 0;
    const add = (value: number): void => {
      hash = (Math.imul(hash, 31) + value) | 0;
    };
    const pools: string[] = [];
    let rows = 0;
    let entries = 0;
    for (const { source, affine } of (steps[step] as LinearStep).terms) {
      if (!sources.has(source)) continue;
      pools.push(
        classes
          .sourceOf(source)
          .pools.map(({ shape, size }) => `${shape}/${size}`)
          .join(),
      );
      rows += affine.rows;
      entries += affine.column.length;
      const sampled = samples[step] ?? Int32Array.from({ length: affine.rows }, (_, row) => row);
      for (const row of sampled) {
        add(row);
        for (let e = affine.start[row]!; e < affine.start[row + 1]!; e++) add(affine.column[e]!);
      }
    }
    return [main, read === 0, rows, entries, hash, pools.join(';'), names(read), names(made)].join('|');
  }
}

/**
 * The costs that `searchLayouts` adds up: of every linear step between the layouts of what it reads and makes, and of products. A step that reads several
 * classes costs the sum of what it would cost with each alone, without the relinearizations and folds that they share.
 *
 * @param most costs beyond this factor of the least of the layer are infinite: nine in ten pairs of layouts do not match at all, and need not be counted.
 * @returns the largest parts first.
 */
export function costTables(
  problem: LayoutProblem,
  most: number,
  onProgress?: (progress: PlanProgress) => void,
): CostTable[] {
  const { classes, candidates } = problem;
  const maker = new TableMaker(problem, most);
  const readings = findReadings(problem);
  const tables = readings.map((reading, done) => {
    onProgress?.({ step: 'layouts', done, total: readings.length });
    return maker.make(reading);
  });
  const products = classes.keys.map((key) => ({
    scope: [key],
    values: Float64Array.from(candidates.get(key)!, (layout) => productValue(problem, key, layout)),
  }));
  return [...products, ...tables];
}
