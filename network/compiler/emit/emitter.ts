import type {
  Instruction,
  ParametersLiteral,
  ProgramConstant,
  ProgramInput,
  Register,
  ResultRing,
} from '#fhe';
import { interleave } from './regions.ts';

/** A ciphertext value while a program is written: the scale is computed exactly as the verifier does. */
export type Wire = { readonly register: Register; readonly level: number; readonly scale: number };

/**
 * Where the slot values of a constant come from: the step of the network, and there a patch of the picture or a diagonal (for a sum that is
 * rotated by `giant` afterwards) or the bias of a ciphertext. A program is written before any weight is read.
 */
export type ConstantRecipe = { readonly step: number } & (
  | { readonly kind: 'patch'; readonly ciphertext: number; readonly patch: number; readonly giant: number }
  | { readonly kind: 'diagonal'; readonly diagonal: number; readonly giant: number }
  | { readonly kind: 'bias'; readonly ciphertext: number }
);

/** A product of a wire, rotated to the left by `step` slots, with a vector of weights. */
export type WeightedWire = { readonly wire: Wire; readonly step: number; readonly weights: ConstantRecipe };

/** Number of pictures that share the ciphertexts of a program; see `interleave`. */
export type SharedSlots = {
  readonly regions: number;
  /** Values of one picture. */
  readonly pictureValues: number;
};

/**
 * Writes the instructions of a program and collects recipes for its constants. Slots and steps are those of one region; the output is
 * interleaved for all of them.
 */
export class Emitter {
  readonly inputs: ProgramInput[] = [];
  readonly constants: ProgramConstant[] = [];
  /** One for each constant. */
  readonly recipes: ConstantRecipe[] = [];
  readonly instructions: Instruction[] = [];
  readonly parameters: ParametersLiteral;
  /** Slots of one region. */
  readonly slots: number;
  readonly regions: number;
  readonly #pictureValues: number;
  #next = 0;

  constructor(
    parameters: ParametersLiteral,
    { regions, pictureValues }: SharedSlots = { regions: 1, pictureValues: 0 },
  ) {
    this.parameters = parameters;
    this.regions = regions;
    this.#pictureValues = pictureValues;
    this.slots = parameters.ringDegree / 2 / regions;
  }

  get topLevel(): number {
    return this.parameters.moduli.length - 1;
  }

  encrypt(slots: Int32Array, scale: number, level = this.topLevel): Wire {
    const wire = this.#wire(level, scale);
    const shared = interleave(slots, this.regions, (value, region) =>
      value < 0 ? value : value + region * this.#pictureValues,
    );
    this.inputs.push({ level: wire.level, scale, slots: shared });
    this.instructions.push({ op: 'encrypt', out: wire.register, input: this.inputs.length - 1 });
    return wire;
  }

  /**
   * Σ rot(wire, step) · weights, relinearized. The weights' scale is chosen so that after the next `rescale` the value has
   * the scale `target`.
   */
  weightedSum(terms: readonly WeightedWire[], target: number): Wire {
    const { level } = terms[0]!.wire;
    const product = target * this.parameters.moduli[level]!;
    const rotates = terms.some((term) => term.step !== 0);
    const written = terms.map(({ wire, step, weights }) => ({
      source: wire.register,
      step: step * this.regions,
      constant: this.#constant(weights, level, product / wire.scale, rotates ? 'QP' : 'Q'),
    }));
    const sum = this.#wire(level, product);
    this.instructions.push(
      rotates
        ? { op: 'rotate-inner', out: sum.register, terms: written }
        : {
            op: 'inner',
            out: sum.register,
            terms: written.map(({ source, constant }) => ({ source, constant })),
          },
    );
    return this.#step(sum, (out) => ({ op: 'relinearize', out, source: sum.register }));
  }

  rescale(wire: Wire): Wire {
    const out = this.#wire(wire.level - 1, wire.scale / this.parameters.moduli[wire.level]!);
    this.instructions.push({ op: 'rescale', out: out.register, source: wire.register });
    return out;
  }

  /** Sums over slots at distances `steps`, in order; nothing for no steps. */
  fold(wire: Wire, steps: readonly number[]): Wire {
    if (steps.length === 0) return wire;
    const shared = steps.map((step) => step * this.regions);
    return this.#step(wire, (out) => ({ op: 'fold', out, source: wire.register, steps: shared }));
  }

  /**
   * Rescales and then folds: rescaling is one division with the relinearization before it, and one level lower every key switch costs
   * less and its key is smaller (E2DM's network: 14 % less time, 21 % smaller bundle). Only the answer is folded first, because its scale must be
   * small enough for the last prime and the noise of key switches would show (worst logit error six times larger).
   */
  foldAndRescale(wire: Wire, steps: readonly number[]): Wire {
    if (wire.level === 1) return this.rescale(this.fold(wire, steps));
    return this.fold(this.rescale(wire), steps);
  }

  addConstant(wire: Wire, recipe: ConstantRecipe): Wire {
    const constant = this.#constant(recipe, wire.level, wire.scale, 'Q');
    return this.#step(wire, (out) => ({ op: 'add-constant', out, source: wire.register, constant }));
  }

  /** Rotates to the left. */
  rotate(wire: Wire, step: number): Wire {
    if (step === 0) return wire;
    const shared = step * this.regions;
    return this.#step(wire, (out) => ({ op: 'rotate', out, source: wire.register, step: shared }));
  }

  add(left: Wire, right: Wire): Wire {
    return this.#step(left, (out) => ({ op: 'add', out, left: left.register, right: right.register }));
  }

  dropLevel(wire: Wire, level: number): Wire {
    if (wire.level === level) return wire;
    const out = this.#wire(level, wire.scale);
    this.instructions.push({ op: 'drop-level', out: out.register, source: wire.register, level });
    return out;
  }

  /** left · right, relinearized and rescaled. */
  multiply(left: Wire, right: Wire): Wire {
    const product = this.#wire(left.level, left.scale * right.scale);
    this.instructions.push({
      op: 'multiply',
      out: product.register,
      left: left.register,
      right: right.register,
    });
    return this.rescale(this.#step(product, (out) => ({ op: 'relinearize', out, source: product.register })));
  }

  /** x², relinearized and rescaled. */
  square(wire: Wire): Wire {
    const product = this.#wire(wire.level, wire.scale * wire.scale);
    this.instructions.push({ op: 'square', out: product.register, source: wire.register });
    return this.rescale(this.#step(product, (out) => ({ op: 'relinearize', out, source: product.register })));
  }

  /** Switches a level-0 wire that is periodic in the slots of the small ring to that ring; only `output` takes the result. */
  switchRing(wire: Wire, ring: ResultRing): Wire {
    const out = this.#wire(0, (wire.scale * ring.modulus) / this.parameters.moduli[0]!);
    this.instructions.push({ op: 'switch-ring', out: out.register, source: wire.register });
    return out;
  }

  output(wire: Wire): void {
    this.instructions.push({ op: 'output', source: wire.register });
  }

  #wire(level: number, scale: number): Wire {
    return { register: this.#next++, level, scale };
  }

  /** A step that keeps level and scale. */
  #step(wire: Wire, make: (out: Register) => Instruction): Wire {
    const out = this.#wire(wire.level, wire.scale);
    this.instructions.push(make(out.register));
    return out;
  }

  #constant(recipe: ConstantRecipe, level: number, scale: number, modulus: 'Q' | 'QP'): number {
    this.constants.push({ level, scale, modulus });
    this.recipes.push(recipe);
    return this.constants.length - 1;
  }
}
