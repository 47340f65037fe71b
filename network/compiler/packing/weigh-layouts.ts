import type { LinearStep } from '../lowering/steps.ts';
import { type LayoutProblem, layoutProblem, productValue } from './layout-problem.ts';
import { patchBytesValue } from './patches.ts';
import { linearDiagonals, planLinear, pooledInput } from './plan-linear.ts';
import type { PlannedNetwork } from './plan-network.ts';
import { bytesValue, MILLISECONDS_PER_BYTE } from './schedule.ts';
import type { SlotLayout } from './slot-layout.ts';

/** What layers cost in one choice of layouts. */
export type LayoutCost = {
  readonly milliseconds: number;
  readonly products: number;
  readonly rotations: number;
  /** Of constants and of the keys that the layers use. */
  readonly bytes: number;
};

/** A layout that a layer's values could take while all other layers keep theirs. */
export type WeighedLayout = {
  readonly name: string;
  readonly ciphertexts: number;
  readonly chosen: boolean;
  /** Counted on all rows of the matrices; false: estimated on a sample of rows, which finds fewer products. */
  readonly exact: boolean;
  /** The layer, with the products of its values. */
  readonly own: LayoutCost;
  /** The layers that read it. */
  readonly readers: LayoutCost;
  /** What the planner compares: the milliseconds of both, and the price of their bytes in milliseconds. */
  readonly value: number;
};

/** The layouts of one layer, weighed against each other. */
export type WeighedLayouts = {
  /** Number of the layer among the linear ones, from 1. */
  readonly layer: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly level: number;
  /** Numbers of the layers that read its values. */
  readonly readBy: readonly number[];
  /** Numbers of other layers that share its layout, because their values are multiplied by each other. */
  readonly sharedWith: readonly number[];
  /** Price of a megabyte in milliseconds. */
  readonly millisecondsPerMegabyte: number;
  /** Best first. */
  readonly layouts: readonly WeighedLayout[];
  /** Layouts in which pooling before or after the layer is not possible. */
  readonly unfit: readonly string[];
};

/** Layouts whose cost is counted on all rows. */
const EXACT = 6;
const NO_COST: LayoutCost = { milliseconds: 0, products: 0, rotations: 0, bytes: 0 };

function sum(costs: readonly LayoutCost[]): LayoutCost {
  return costs.reduce(
    (a, b) => ({
      milliseconds: a.milliseconds + b.milliseconds,
      products: a.products + b.products,
      rotations: a.rotations + b.rotations,
      bytes: a.bytes + b.bytes,
    }),
    NO_COST,
  );
}

/** The layers of a plan and the layouts that they could take. */
class LayoutScale {
  readonly #problem: LayoutProblem;
  readonly #chosen: Map<number, SlotLayout>;

  constructor(problem: LayoutProblem, chosen: ReadonlyMap<number, SlotLayout>) {
    this.#problem = problem;
    this.#chosen = new Map(chosen);
  }

  /** A linear step between the layouts chosen; null if pools do not fit them. */
  #cost(i: number, output: SlotLayout, exact: boolean): LayoutCost | null {
    const { steps, classes, cost, levels, samples } = this.#problem;
    const step = steps[i] as LinearStep;
    const level = levels[i]!;
    const inputOf = (register: number) => {
      const { key, pools } = classes.sourceOf(register);
      return pooledInput(this.#chosen.get(key)!, pools);
    };
    let pooling = 0;
    for (const { source } of step.terms) {
      if (source === 0) continue;
      const input = inputOf(source);
      if (input === null) return null;
      pooling += input.keySwitches;
    }
    const rows = exact ? undefined : samples[i];
    const estimate = rows && { rows, most: Number.POSITIVE_INFINITY };
    const found = linearDiagonals(step, (register) => inputOf(register)!.layout, output, estimate);
    const { milliseconds, schedule, patches } = planLinear(step, level, output, found, cost);
    const priced = bytesValue(schedule, level, cost) + patchBytesValue(patches, level, cost);
    return {
      milliseconds: milliseconds + cost.fold(level, pooling),
      products: schedule.products + output.ciphertexts * (patches?.patches ?? 0) * (patches?.blocks ?? 0),
      rotations: schedule.rotations + pooling + output.ciphertexts * (patches?.steps.length ?? 0),
      bytes: priced / MILLISECONDS_PER_BYTE,
    };
  }

  /** One layout of a class, with all that makes and reads it; null if pools do not fit. */
  weigh(
    key: number,
    layout: SlotLayout,
    { makers, readers }: { readonly makers: readonly number[]; readonly readers: readonly number[] },
    exact: boolean,
  ): Omit<WeighedLayout, 'chosen'> | null {
    const { steps } = this.#problem;
    const before = this.#chosen.get(key)!;
    const multiplied = steps.some((step) => step.kind === 'product' && this.#keyOf(step.left) === key);
    this.#chosen.set(key, layout);
    const made = makers.map((i) => this.#cost(i, layout, exact));
    const read = readers.map((i) => this.#cost(i, this.#chosen.get(this.#keyOf(i + 1))!, exact));
    this.#chosen.set(key, before);
    const fits = (list: readonly (LayoutCost | null)[]): list is LayoutCost[] => !list.includes(null);
    if (!fits(made) || !fits(read)) return null;
    const squares = multiplied ? productValue(this.#problem, key, layout) : 0;
    const own = sum([...made, { ...NO_COST, milliseconds: squares }]);
    const after = sum(read);
    const bytes = own.bytes + after.bytes;
    return {
      name: layout.name,
      ciphertexts: layout.ciphertexts,
      exact,
      own,
      readers: after,
      value: own.milliseconds + after.milliseconds + MILLISECONDS_PER_BYTE * bytes,
    };
  }

  #keyOf(register: number): number {
    return this.#problem.classes.sourceOf(register).key;
  }
}

/**
 * Weighs the layouts that a layer could take while all others keep theirs: what each costs in the layer and in those that read it. The
 * best few, and the one chosen, are counted exactly, the others on the sample of rows that the search uses.
 *
 * @param layer number of the layer among the linear ones, from 1 to `linearSteps(planned).length`.
 */
export function weighLayouts(planned: PlannedNetwork, layer: number): WeighedLayouts {
  const { network, plan, cost } = planned;
  const linear = linearSteps(planned);
  const problem = layoutProblem(network, plan.layouts[1]!.slots, cost);
  const { classes, candidates, levels } = problem;
  const step = linear[layer - 1]!;
  const { key } = classes.sourceOf(step + 1);
  const makers = classes.linearOf.get(key)!;
  const readers = linear.filter((i) =>
    (network.steps[i] as LinearStep).terms.some(
      ({ source }) => source !== 0 && classes.sourceOf(source).key === key,
    ),
  );
  const around = { makers, readers: readers.filter((i) => !makers.includes(i)) };
  const scale = new LayoutScale(problem, new Map(classes.keys.map((one) => [one, plan.layouts[one]!])));
  const chosen = plan.layouts[step + 1]!.name;
  const rough = candidates
    .get(key)!
    .map((layout) => ({ layout, weighed: scale.weigh(key, layout, around, false) }));
  const unfit = rough.filter(({ weighed }) => weighed === null).map(({ layout }) => layout.name);
  const ranked = rough
    .flatMap(({ layout, weighed }) => (weighed === null ? [] : [{ layout, weighed }]))
    .sort((a, b) => a.weighed.value - b.weighed.value);
  const layouts = ranked.map(({ layout, weighed }, rank) => ({
    ...(rank < EXACT || layout.name === chosen ? scale.weigh(key, layout, around, true)! : weighed),
    chosen: layout.name === chosen,
  }));
  const numberOf = (i: number): number => linear.indexOf(i) + 1;
  const { terms, bias } = network.steps[step] as LinearStep;
  return {
    layer,
    inputs: terms.reduce((total, { affine }) => total + affine.columns, 0),
    outputs: bias.length,
    level: levels[step]!,
    readBy: around.readers.map(numberOf),
    sharedWith: makers.filter((i) => i !== step).map(numberOf),
    millisecondsPerMegabyte: MILLISECONDS_PER_BYTE * 1e6,
    // Counted exactly before estimates: these are lower bounds.
    layouts: layouts.sort((a, b) => Number(b.exact) - Number(a.exact) || a.value - b.value),
    unfit,
  };
}

/** The steps of a plan that are layers, in order. */
export function linearSteps({ network }: Pick<PlannedNetwork, 'network'>): number[] {
  return network.steps.flatMap((step, i) => (step.kind === 'linear' ? [i] : []));
}
