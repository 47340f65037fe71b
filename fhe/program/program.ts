import type { ParametersLiteral } from '../ckks/parameters.ts';

/** Number of a ciphertext value; every register is written once (static single assignment). */
export type Register = number;

/** One term of a `rotate-inner`: rot(source, step) · constant. */
export type RotatedTerm = { readonly source: Register; readonly step: number; readonly constant: number };

/**
 * One step of a ciphertext program. Instructions are coarse so that the engine can fuse them.
 * Levels, scales and sizes are not stored: the verifier derives them.
 *
 * `step` rotates slots to the left: result slot i is source slot i + step (SEAL's `rotateVector`).
 */
export type Instruction =
  /** out = fresh public-key encryption of input `input`, at the level and scale of `inputs[input]`. */
  | { readonly op: 'encrypt'; readonly out: Register; readonly input: number }
  /** out = Σ sourceᵢ · constantᵢ; size 3, scale the product, not rescaled. Constants modulo Q. */
  | {
      readonly op: 'inner';
      readonly out: Register;
      readonly terms: readonly { readonly source: Register; readonly constant: number }[];
    }
  /** out = Σ rot(sourceᵢ, stepᵢ) · constantᵢ; size 3. Constants modulo Q·P, so that a single division by P suffices. */
  | { readonly op: 'rotate-inner'; readonly out: Register; readonly terms: readonly RotatedTerm[] }
  | { readonly op: 'rotate'; readonly out: Register; readonly source: Register; readonly step: number }
  /** For each step in order: x ← x + rot(x, step). */
  | {
      readonly op: 'fold';
      readonly out: Register;
      readonly source: Register;
      readonly steps: readonly number[];
    }
  | { readonly op: 'square'; readonly out: Register; readonly source: Register }
  | { readonly op: 'multiply'; readonly out: Register; readonly left: Register; readonly right: Register }
  | { readonly op: 'add'; readonly out: Register; readonly left: Register; readonly right: Register }
  | {
      readonly op: 'add-constant';
      readonly out: Register;
      readonly source: Register;
      readonly constant: number;
    }
  | { readonly op: 'relinearize'; readonly out: Register; readonly source: Register }
  /** Divides by the last prime of the level and drops it. */
  | { readonly op: 'rescale'; readonly out: Register; readonly source: Register }
  /** Drops limbs without dividing: the scale stays, the level becomes `level`. */
  | { readonly op: 'drop-level'; readonly out: Register; readonly source: Register; readonly level: number }
  /** Brings a level-0 value that is periodic in its slots into the ring of results, under the result key. */
  | { readonly op: 'switch-ring'; readonly out: Register; readonly source: Register }
  | { readonly op: 'output'; readonly source: Register };

/** A ciphertext that the gateway makes from its picture. */
export type ProgramInput = {
  readonly level: number;
  readonly scale: number;
  /**
   * One entry for each slot: the index of a value in the prepared pictures (row-major, shape `picture`, one picture of each region
   * after the other), or −1 for an empty slot, which is zero.
   */
  readonly slots: Int32Array;
};

/** An encrypted constant that comes with the program: only its type is public. */
export type ProgramConstant = {
  readonly level: number;
  readonly scale: number;
  /** `QP` constants carry limbs for the special primes too (see `rotate-inner`). */
  readonly modulus: 'Q' | 'QP';
};

/** How a frame becomes the values that `ProgramInput.slots` refers to. All values are in [0, 1]. */
export type PictureShape = {
  /** 1 or 3, and one more with motion. */
  readonly channels: 1 | 2 | 3 | 4;
  readonly height: number;
  readonly width: number;
  /** The gateway normalizes the picture's light (`vision/normalize-light.ts`); absent for pixel / 255. */
  readonly light?: 'normalize';
  /** The last channel is motion, against a background with this time constant (`vision/background.ts`); absent for no such channel. */
  readonly motion?: { readonly seconds: number };
};

/** The small ring of answers; absent if a program answers in its own ring. */
export type ResultRing = { readonly ringDegree: number; readonly modulus: number };

/**
 * A straight-line program over ciphertext registers: all that a gateway knows about a network.
 * See the vocabulary in fhe/README.md. Nothing in it depends on a trained parameter.
 */
export type Program = {
  /**
   * How the engine rounds: whoever has picture and seed must get the same bytes from any release, because audits compare them.
   *
   * - 1: every product is divided after its relinearization, and every rotation.
   * - 2: sums of rotated products (`rotated-sums.ts`) are divided once.
   */
  readonly version: 1 | 2;
  /** Public name of the network, for logs. */
  readonly name: string;
  readonly parameters: ParametersLiteral;
  readonly resultRing?: ResultRing;
  readonly picture: PictureShape;
  /**
   * How many pictures (regions of interest) one run answers; absent for one. The prepared values of a run are those of its
   * pictures, one picture after the other.
   */
  readonly regions?: number;
  /**
   * `plain` where constants are encoded, but not encrypted, so that a product with one has two polynomials: it shows what hiding weights costs
   * (`plain-weights.ts`), and hides none. The wire form has no such field, so that no gateway takes such a program. Absent otherwise.
   */
  readonly weights?: 'plain';
  readonly inputs: readonly ProgramInput[];
  readonly constants: readonly ProgramConstant[];
  readonly instructions: readonly Instruction[];
};
