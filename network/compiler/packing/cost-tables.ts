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
type Known = {
  readonly values: Float64Array;
  readonly level: number;
  readonly least: number;
  /** Entries that were counted on all rows. */
  readonly exact: Set<number>;
};

/** A table, and the way to know one of its entries better. */
export type SharpTable = CostTable & {
  /** Counts the entry of these choices on all rows, once. @returns whether it grew by more than a hundredth. */
  readonly sharpen: (chosen: ReadonlyMap<number, number>) => boolean;
};

/** Growth of an entry that changes no choice. */
const NEGLIGIBLE = 1.01;

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
  /** The same, counted on all rows. */
  readonly #whole: LayoutProblem;
  /** Least cost of the main reading of each step. */
  readonly #least = new Map<number, number>();
  readonly #known = new Map<string, Known>();
  /** Registers after pools, by class and layout. */
  readonly #inputs = new Map<string, Map<number, PooledInput | null>>();
  /** Costs beyond this factor of the least of the layer are infinite. */
  readonly #most: number;

  constructor(problem: LayoutProblem, most: number) {
    this.#problem = problem;
    this.#whole = { ...problem, samples: problem.samples.map(() => undefined) };
    this.#most = most;
  }

  make(reading: Reading): SharpTable {
    const { made, read, step } = reading;
    const { cost, levels } = this.#problem;
    const level = levels[step]!;
    const like = this.#likeness(reading);
    const known = this.#known.get(like) ?? this.#measure(reading);
    this.#known.set(like, known);
    // Costs of like layers at different levels differ by a factor, nearly: what is chosen is evaluated at its own level again.
    const factor = cost.relinearizeRescale(level) / cost.relinearizeRescale(known.level);
    if (reading.main) this.#least.set(step, known.least * factor);
    const outputs = this.#problem.candidates.get(made)!.length;
    // A class that a step of its own reads has one layout.
    const cells = Array.from({ length: read === made ? outputs : known.values.length }, (_, at) =>
      read === made ? at * outputs + at : at,
    );
    const values = Float64Array.from(cells, (cell) => known.values[cell]! * factor);
    const sharpen = (chosen: ReadonlyMap<number, number>): boolean => {
      const p = chosen.get(read) ?? 0;
      const k = chosen.get(made)!;
      const cell = p * outputs + k;
      const at = read === made ? k : cell;
      const before = values[at]!;
      if (!known.exact.has(cell)) {
        known.exact.add(cell);
        known.values[cell] = Math.max(known.values[cell]!, this.#count(this.#whole, reading, p, k) / factor);
      }
      values[at] = known.values[cell]! * factor;
      return values[at]! > before * NEGLIGIBLE;
    };
    return { scope: read === 0 || read === made ? [made] : [read, made], values, sharpen };
  }

  #measure(reading: Reading): Known {
    const { step, made, read, main } = reading;
    const { candidates, levels } = this.#problem;
    const outputs = candidates.get(made)!.length;
    const inputs = read === 0 ? 1 : candidates.get(read)!.length;
    const values = new Float64Array(inputs * outputs).fill(Number.POSITIVE_INFINITY);
    let least = Number.POSITIVE_INFINITY;
    for (let p = 0; p < inputs; p++) {
      for (let k = 0; k < outputs; k++) {
        if (read === made && p !== k) continue;
        const most = this.#most * (main ? least : this.#least.get(step)!);
        const value = this.#count(this.#problem, reading, p, k, most);
        values[p * outputs + k] = value;
        least = Math.min(least, value);
      }
    }
    return { values, level: levels[step]!, least, exact: new Set() };
  }

  /** The cost of a reading between the p-th layout of what is read and the k-th of what is made; infinite from `most` on. */
  #count(
    problem: LayoutProblem,
    { step, made, read, sources, main }: Reading,
    p: number,
    k: number,
    most = Number.POSITIVE_INFINITY,
  ): number {
    const output = problem.candidates.get(made)![k]!;
    const inputOf = this.#pooled(read, p);
    const shared = main ? 0 : this.#shared(step, output);
    const reads = (source: number): boolean => sources.has(source);
    return Math.max(0, linearValue(problem, step, { output, inputOf }, most + shared, reads) - shared);
  }

  /** What a step costs that reads nothing. */
  #shared(step: number, output: SlotLayout): number {
    const { cost, levels } = this.#problem;
    return scheduleDiagonals([], output, levels[step]!, cost, 0).milliseconds;
  }

  #pooled(read: number, p: number): (register: number) => PooledInput | null {
    const { classes, candidates } = this.#problem;
    const key = `${read}/${p}`;
    const known = this.#inputs.get(key) ?? new Map<number, PooledInput | null>();
    this.#inputs.set(key, known);
    return (register) => {
      if (!known.has(register))
        known.set(register, pooledInput(candidates.get(read)![p]!, classes.sourceOf(register).pools));
      return known.get(register) ?? null;
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
 * @returns the tables of steps, those of the largest parts first, and those of products.
 */
export function costTables(
  problem: LayoutProblem,
  most: number,
  onProgress?: (progress: PlanProgress) => void,
): { readonly steps: readonly SharpTable[]; readonly products: readonly CostTable[] } {
  const { classes, candidates } = problem;
  const maker = new TableMaker(problem, most);
  const readings = findReadings(problem);
  const steps = readings.map((reading, done) => {
    onProgress?.({ step: 'layouts', done, total: readings.length });
    return maker.make(reading);
  });
  const products = classes.keys.map((key) => ({
    scope: [key],
    values: Float64Array.from(candidates.get(key)!, (layout) => productValue(problem, key, layout)),
  }));
  return { steps, products };
}
