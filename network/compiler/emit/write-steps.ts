import { ANSWER_SCALE, type Scales } from '../compile-limits.ts';
import type { LinearStep, PoolStep, ProductStep, StepNetwork } from '../lowering/steps.ts';
import { forEachPatch } from '../packing/patches.ts';
import type { PlannedLinear } from '../packing/plan-linear.ts';
import type { PlannedNetwork } from '../packing/plan-network.ts';
import { poolLayout } from '../packing/pool-layout.ts';
import type { LayoutPlan } from '../packing/price-layouts.ts';
import { foldOf } from '../packing/slot-layout.ts';
import type { Emitter, WeightedWire, Wire } from './emitter.ts';

/** The summands of one ciphertext of a linear step. */
type Sum = {
  readonly planned: PlannedLinear;
  /** The step of the network. */
  readonly step: number;
  /** Ciphertexts of all terms read, one after the other. */
  readonly sources: readonly Wire[];
  /** Sources already rotated, by source and baby step. */
  readonly babies: Map<string, Wire>;
  /** Scale of the result. */
  readonly target: number;
};

class StepWriter {
  readonly #emitter: Emitter;
  readonly #network: StepNetwork;
  readonly #plan: LayoutPlan;
  readonly #scales: Scales;
  readonly #registers: Wire[][] = [[]];
  readonly #dropped = new Map<string, Wire[]>();

  constructor(emitter: Emitter, { network, plan, scales }: PlannedNetwork) {
    this.#emitter = emitter;
    this.#scales = scales;
    this.#network = network;
    this.#plan = plan;
  }

  write(): Wire[] {
    for (const [i, step] of this.#network.steps.entries()) {
      if (step.kind === 'linear') this.#registers.push(this.#linear(step, i));
      else this.#registers.push(step.kind === 'pool' ? this.#pool(step) : this.#product(step));
    }
    return this.#registers.at(-1)!;
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

  #pool(step: PoolStep): Wire[] {
    const { fold } = poolLayout(this.#plan.layouts[step.source]!, step)!;
    return this.#registers[step.source]!.map((wire) => this.#emitter.fold(wire, fold));
  }

  #product(step: ProductStep): Wire[] {
    const factors = [step.left, step.right];
    const level = Math.min(...factors.map((register) => this.#registers[register]![0]!.level));
    const right = this.#at(step.right, level);
    return this.#at(step.left, level).map((wire, c) =>
      step.left === step.right ? this.#emitter.square(wire) : this.#emitter.multiply(wire, right[c]!),
    );
  }

  #linear({ terms }: LinearStep, step: number): Wire[] {
    const planned = this.#plan.linear.get(step)!;
    const { level, output } = planned;
    const read = terms.filter(({ source }) => source !== 0);
    const sources = read.flatMap(({ source }) => this.#at(source, level));
    const patches = this.#patches(terms, step);
    const last = step === this.#network.steps.length - 1;
    const sum: Sum = {
      planned,
      step,
      sources,
      babies: new Map(),
      target: last ? ANSWER_SCALE : this.#scales.between,
    };
    return Array.from({ length: output.ciphertexts }, (_, to) => {
      const picture = patches(to);
      return this.#emitter.addConstant(this.#sum(sum, to, picture), { step, kind: 'bias', ciphertext: to });
    });
  }

  /** Encrypts the patches of the picture that a step reads. @returns their products for a ciphertext of the result. */
  #patches(terms: LinearStep['terms'], step: number): (to: number) => WeightedWire[][] {
    const { output, patches: plan, level } = this.#plan.linear.get(step)!;
    if (plan === null) return () => [];
    const { patches, shared, blocks } = plan;
    const pictures = Array.from({ length: shared ? 1 : output.ciphertexts }, () =>
      Array.from({ length: patches }, () => new Int32Array(output.slots).fill(-1)),
    );
    for (const { source, affine } of terms) {
      if (source !== 0) continue;
      forEachPatch(affine, output, plan, (to, patch, slot, entry) => {
        pictures[shared ? 0 : to]![patch]![slot] = affine.column[entry]!;
      });
    }
    const encrypt = (slots: Int32Array): Wire => this.#emitter.encrypt(slots, this.#scales.input, level);
    const common = shared ? pictures[0]!.map(encrypt) : null;
    return (to) => {
      const wires = common ?? pictures[to]!.map(encrypt);
      return Array.from({ length: blocks }, (_, turn) => {
        const giant = (turn * output.slots) / blocks;
        return wires.map((wire, patch): WeightedWire => {
          return { wire, step: 0, weights: { step, kind: 'patch', ciphertext: to, patch, giant } };
        });
      });
    };
  }

  /**
   * Σ rot(wire, step) · weights, rescaled and folded.
   *
   * @param picture products with patches of the picture, by the block to which their sum is rotated
   */
  #sum(sum: Sum, to: number, picture: readonly (readonly WeightedWire[])[]): Wire {
    const { level, output, schedule } = sum.planned;
    const fold = foldOf(output);
    if (schedule.kind === 'baby-giant' || picture.length > 1) {
      const giants = this.#giants(sum, to, picture);
      return level === 1 ? this.#emitter.foldAndRescale(giants, fold) : this.#emitter.fold(giants, fold);
    }
    const rotated = this.#diagonalsOf(sum, to).map(
      ({ from, turn, diagonal }): WeightedWire => ({
        wire: sum.sources[from]!,
        step: turn,
        weights: { step: sum.step, kind: 'diagonal', diagonal, giant: 0 },
      }),
    );
    return this.#emitter.foldAndRescale(
      this.#emitter.weightedSum([...picture.flat(), ...rotated], sum.target),
      fold,
    );
  }

  /** The diagonals of one ciphertext of the result. */
  #diagonalsOf({ planned }: Sum, to: number): { from: number; turn: number; diagonal: number }[] {
    return planned.diagonals.flatMap((one, diagonal) =>
      one.to === to ? [{ from: one.from, turn: one.step, diagonal }] : [],
    );
  }

  /**
   * Baby steps are rotated once, giant steps as sums. Giant steps are rescaled with their relinearization, so that they are rotated with
   * one limb less.
   */
  #giants(sum: Sum, to: number, picture: readonly (readonly WeightedWire[])[]): Wire {
    const emitter = this.#emitter;
    const block = sum.planned.output.slots / picture.length;
    const giants = new Map(picture.map((list, turn) => [turn * block, [...list]]));
    for (const { from, turn, diagonal } of this.#diagonalsOf(sum, to)) {
      const baby = turn % sum.planned.schedule.modulus;
      const giant = turn - baby;
      const key = `${from}/${baby}`;
      const wire = sum.babies.get(key) ?? emitter.rotate(sum.sources[from]!, baby);
      sum.babies.set(key, wire);
      const list = giants.get(giant) ?? [];
      list.push({ wire, step: 0, weights: { step: sum.step, kind: 'diagonal', diagonal, giant } });
      giants.set(giant, list);
    }
    let total: Wire | null = null;
    for (const [giant, list] of giants) {
      const products = emitter.weightedSum(list, sum.target);
      // The answer is rescaled last of all, for the reason that foldAndRescale gives.
      const part = emitter.rotate(products.level === 1 ? products : emitter.rescale(products), giant);
      // Immediately, so that few parts are held at a time.
      total = total === null ? part : emitter.add(total, part);
    }
    return total!;
  }
}

/** Writes the instructions of all steps of a planned network. @returns the ciphertexts of the logits. */
export function writeSteps(emitter: Emitter, planned: PlannedNetwork): Wire[] {
  return new StepWriter(emitter, planned).write();
}
