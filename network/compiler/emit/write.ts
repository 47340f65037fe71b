import type { LinearStep, StepNetwork } from '../lowering/steps.ts';
import { type Diagonal, fillDiagonals } from '../packing/diagonals.ts';
import type { NetworkPlan } from '../packing/plan.ts';
import type { PlannedLinear } from '../packing/plan-linear.ts';
import { poolLayout } from '../packing/pool-layout.ts';
import { foldOf, type SlotLayout, slotContents, weightCopies } from '../packing/slot-layout.ts';
import type { Emitter, WeightedWire, Wire } from './emitter.ts';

/** Scales of a program. */
export type Scales = {
  /** Of the encrypted picture. */
  readonly input: number;
  /** Of the results of linear steps. */
  readonly inner: number;
  /** Of the logits. */
  readonly answer: number;
};

/** A diagonal with its weights, in slots of the result, and the wire that it multiplies. */
type Loaded = { readonly diagonal: Diagonal; readonly wire: Wire; readonly weights: Float64Array };

function rotateWeights(weights: Float64Array, giant: number): Float64Array {
  if (giant === 0 || weights.length === 0) return weights;
  const turned = new Float64Array(weights.length);
  turned.set(weights.subarray(0, weights.length - giant), giant);
  turned.set(weights.subarray(weights.length - giant), 0);
  return turned;
}

/** The picture's patches for one ciphertext of a result: tap t of a row stands in the t-th copy that the fold sums. */
function writePatches(
  emitter: Emitter,
  { affine, output, level, patches }: PatchRequest,
  ciphertext: number,
  inputScale: number,
): WeightedWire[] {
  const { slots } = emitter;
  const folds = Math.max(1, output.foldHigh / output.foldLow);
  const copies = weightCopies(output);
  const pictures = Array.from({ length: patches }, () => new Int32Array(slots).fill(-1));
  const weights = pictures.map(() => new Float64Array(slots));
  for (let row = 0; row < affine.rows; row++) {
    const at = output.at[row]!;
    if (Math.floor(at / slots) !== ciphertext) continue;
    for (let e = affine.start[row]!, tap = 0; e < affine.start[row + 1]!; e++, tap++) {
      const patch = Math.floor(tap / folds);
      const first = (at % slots) + (tap % folds) * output.foldLow;
      for (let copy = 0; copy < copies; copy++) {
        pictures[patch]![first + copy * output.period] = affine.column[e]!;
        weights[patch]![first + copy * output.period] = affine.weight[e]!;
      }
    }
  }
  return pictures.map((picture, i) => ({
    wire: emitter.encrypt(picture, inputScale, level),
    step: 0,
    weights: weights[i]!,
  }));
}

type PatchRequest = {
  readonly affine: LinearStep['terms'][number]['affine'];
  readonly output: SlotLayout;
  readonly level: number;
  readonly patches: number;
};

const EMPTY = new Float64Array();

class Writer {
  readonly #emitter: Emitter;
  readonly #plan: NetworkPlan;
  readonly #scales: Scales;
  readonly #hollow: boolean;
  readonly #registers: Wire[][] = [[]];
  readonly #dropped = new Map<string, Wire[]>();

  constructor(emitter: Emitter, plan: NetworkPlan, scales: Scales, hollow: boolean) {
    this.#hollow = hollow;
    this.#emitter = emitter;
    this.#plan = plan;
    this.#scales = scales;
  }

  /** A register's ciphertexts at a level. */
  #at(register: number, level: number): Wire[] {
    const key = `${register}/${level}`;
    let wires = this.#dropped.get(key);
    if (wires === undefined) {
      wires = this.#registers[register]!.map((wire) => this.#emitter.dropLevel(wire, level));
      this.#dropped.set(key, wires);
    }
    return wires;
  }

  write(network: StepNetwork): Wire[] {
    network.steps.forEach((step, i) => {
      if (step.kind === 'linear') {
        const last = i === network.steps.length - 1;
        const target = last ? this.#scales.answer : this.#scales.inner;
        this.#registers.push(this.#linear(step, this.#plan.linear.get(i)!, target));
        return;
      }
      if (step.kind === 'pool') {
        const { fold } = poolLayout(this.#plan.layouts[step.source]!, step)!;
        this.#registers.push(this.#registers[step.source]!.map((wire) => this.#emitter.fold(wire, fold)));
        return;
      }
      const level = Math.min(
        ...[step.left, step.right].map((register) => this.#registers[register]![0]!.level),
      );
      const [left, right] = [this.#at(step.left, level), this.#at(step.right, level)];
      this.#registers.push(
        left.map((wire, c) =>
          step.left === step.right ? this.#emitter.square(wire) : this.#emitter.multiply(wire, right[c]!),
        ),
      );
    });
    return this.#registers.at(-1)!;
  }

  #linear(step: LinearStep, planned: PlannedLinear, target: number): Wire[] {
    const emitter = this.#emitter;
    const { output, level, diagonals, patches } = planned;
    const sources: Wire[] = [];
    const weights: Float64Array[] = [];
    let offset = 0;
    let next = 0;
    for (const { source, affine } of step.terms) {
      if (source === 0) continue;
      const input = this.#plan.layouts[source]!;
      const from = offset;
      offset += input.ciphertexts;
      const own: Diagonal[] = [];
      for (
        ;
        next < diagonals.length && diagonals[next]!.from < offset && diagonals[next]!.from >= from;
        next++
      )
        own.push({ ...diagonals[next]!, from: diagonals[next]!.from - from });
      const filled = this.#hollow ? own.map(() => EMPTY) : fillDiagonals(affine, input, output, own);
      // There may be more of them than a call takes arguments.
      for (const values of filled) weights.push(values);
      sources.push(...this.#at(source, level));
    }
    const loaded = diagonals.map(
      (diagonal, i): Loaded => ({
        diagonal,
        wire: sources[diagonal.from]!,
        weights: weights[i]!,
      }),
    );
    const biases = slotContents(output);
    const picture = step.terms.find(({ source }) => source === 0);
    const babies = new Map<string, Wire>();
    return Array.from({ length: output.ciphertexts }, (_, to) => {
      const own = loaded.filter(({ diagonal }) => diagonal.to === to);
      const laidOut =
        picture === undefined
          ? []
          : writePatches(emitter, { affine: picture.affine, output, level, patches }, to, this.#scales.input);
      const sum = this.#sum(own, laidOut, planned, babies, target);
      const bias = Float64Array.from(
        biases.subarray(to * emitter.slots, (to + 1) * emitter.slots),
        (value) => (value < 0 ? 0 : step.bias[value]!),
      );
      return emitter.addConstant(sum, bias);
    });
  }

  /** Σ rot(wire, step) · weights, rescaled and folded. Giants are rescaled with their relinearization, so that they are rotated a limb shorter. */
  #sum(
    terms: readonly Loaded[],
    patches: readonly WeightedWire[],
    { output, level, schedule: { kind, modulus } }: PlannedLinear,
    babies: Map<string, Wire>,
    target: number,
  ): Wire {
    const emitter = this.#emitter;
    const fold = foldOf(output);
    if (kind === 'hoisted') {
      const rotated = terms.map(({ diagonal, wire, weights }) => ({ wire, step: diagonal.step, weights }));
      return emitter.foldAndRescale(emitter.weightedSum([...patches, ...rotated], target), fold);
    }
    const giants = new Map<number, WeightedWire[]>(patches.length > 0 ? [[0, [...patches]]] : []);
    for (const { diagonal, wire, weights } of terms) {
      const baby = diagonal.step % modulus;
      const giant = diagonal.step - baby;
      const key = `${diagonal.from}/${baby}`;
      const turned = babies.get(key) ?? emitter.rotate(wire, baby);
      babies.set(key, turned);
      const list = giants.get(giant) ?? [];
      list.push({ wire: turned, step: 0, weights: rotateWeights(weights, giant) });
      giants.set(giant, list);
    }
    let sum: Wire | null = null;
    for (const [giant, list] of giants) {
      const products = emitter.weightedSum(list, target);
      // The answer is rescaled last of all, for the reason that foldAndRescale gives.
      const part = emitter.rotate(products.level === 1 ? products : emitter.rescale(products), giant);
      sum = sum === null ? part : emitter.add(sum, part);
    }
    return level === 1 ? emitter.foldAndRescale(sum!, fold) : emitter.fold(sum!, fold);
  }
}

/**
 * Writes a planned network.
 *
 * @param hollow leave the weights of diagonals out: for plans that only the program is wanted of.
 * @returns the ciphertexts of the logits.
 */
export function writeNetwork(
  emitter: Emitter,
  network: StepNetwork,
  plan: NetworkPlan,
  scales: Scales,
  hollow = false,
): Wire[] {
  return new Writer(emitter, plan, scales, hollow).write(network);
}
