/**
 * What arithmetic costs on a machine with all its threads at work, in nanoseconds per coefficient: the work of every
 * ciphertext operation is transforms, and products of residues that are read from memory once.
 */
export type MachineCost = {
  /** One NTT of one limb, per coefficient and butterfly stage (log2 N of them). */
  readonly transformNs: number;
  /** One product of residues in a key-switching inner product. */
  readonly keyProductNs: number;
  /** One product of residues of two ciphertexts. */
  readonly productNs: number;
};

/** Measured on two x86-64 cores at 2 threads; `explain` measures the machine that it runs on. */
export const TYPICAL_MACHINE: MachineCost = { transformNs: 0.18, keyProductNs: 0.5, productNs: 0.24 };

/** The ring in which a plan is made. */
export type RingChoice = {
  readonly ringDegree: number;
  /** Special primes, limbs in a digit. */
  readonly alpha: number;
};

/** Costs of single operations at a level, in milliseconds, and sizes in bytes. */
export class OperationCost {
  readonly #machine: MachineCost;
  readonly #ring: RingChoice;

  constructor(machine: MachineCost, ring: RingChoice) {
    this.#machine = machine;
    this.#ring = ring;
  }

  #milliseconds(transforms: number, keyProducts: number, products: number): number {
    const { ringDegree } = this.#ring;
    const { transformNs, keyProductNs, productNs } = this.#machine;
    const perCoefficient =
      transforms * transformNs * Math.log2(ringDegree) + keyProducts * keyProductNs + products * productNs;
    return perCoefficient * ringDegree * 1e-6;
  }

  #digits(level: number): number {
    return Math.ceil((level + 1) / this.#ring.alpha);
  }

  #extended(level: number): number {
    return level + 1 + this.#ring.alpha;
  }

  /** Digits of one ciphertext to all primes. */
  decompose(level: number): number {
    return this.#milliseconds(this.#digits(level) * this.#extended(level), 0, 0);
  }

  /** Division of `polynomials` polynomials by P. */
  divide(level: number, polynomials: number): number {
    return this.#milliseconds(polynomials * this.#extended(level), 0, 0);
  }

  /** Inner product with one key, decomposition not included. */
  keyInner(level: number): number {
    return this.#milliseconds(0, 2 * this.#digits(level) * this.#extended(level), 0);
  }

  /** One rotation of a ciphertext that is decomposed already. */
  hoistedRotation(level: number): number {
    return this.keyInner(level) + this.divide(level, 2);
  }

  /** Relinearization, or a rotation alone. */
  keySwitch(level: number): number {
    return this.decompose(level) + this.hoistedRotation(level);
  }

  /** Ciphertext · ciphertext, accumulated. */
  product(level: number, special: boolean): number {
    return this.#milliseconds(0, 0, 4 * (special ? this.#extended(level) : level + 1));
  }

  rescale(level: number): number {
    return this.#milliseconds(2 * (level + 1), 0, 0);
  }

  /** A pass over a ciphertext. */
  elementwise(level: number): number {
    return this.#milliseconds(0, 0, level + 1);
  }

  encrypt(level: number): number {
    return this.#milliseconds(level + 1 + 5 * this.#extended(level), 0, 2 * this.#extended(level));
  }

  /** An encrypted constant in the bundle. */
  constantBytes(level: number, special: boolean): number {
    return 4 * this.#ring.ringDegree * (special ? this.#extended(level) : level + 1);
  }

  /** One evaluation key in the bundle. */
  keyBytes(level: number): number {
    return 4 * this.#ring.ringDegree * this.#digits(level) * this.#extended(level);
  }
}
