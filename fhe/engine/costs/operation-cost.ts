import { OperationWork, type Work } from './operation-work.ts';

/** Costs of the parts of an operation with all threads of the engine at work, in nanoseconds per coefficient. */
export type MachineCost = {
  /** One NTT of one limb, per butterfly stage (log2 N of them). */
  readonly transformNs: number;
  /** One limb that a base conversion reads. */
  readonly conversionNs: number;
  /** One product of residues in a key-switching inner product. */
  readonly keyProductNs: number;
  /** One product of residues of two ciphertexts. */
  readonly productNs: number;
  /** One pass over a limb: addition, permutation, copy. */
  readonly passNs: number;
  /** Randomness and encoding of one encryption. */
  readonly sampleNs: number;
  /** Overhead of an instruction in nanoseconds: threads wait for each other. Not per coefficient. */
  readonly barrierNs: number;
};

/**
 * The unit costs used for planning, measured on two x86-64 cores with two threads at N = 16384. A plan is public and must not depend on
 * the machine that makes it; `explain` measures its own machine.
 */
export const TYPICAL_MACHINE: MachineCost = {
  transformNs: 0.15,
  conversionNs: 0.2,
  keyProductNs: 0.35,
  productNs: 0.3,
  passNs: 0.6,
  sampleNs: 40,
  barrierNs: 5_000,
};

/** The ring in which a plan is made. */
export type RingChoice = {
  readonly ringDegree: number;
  /** Special primes, limbs in a digit. */
  readonly alpha: number;
};

/** Costs of single operations at a level, in milliseconds, and sizes in bytes. */
export class OperationCost {
  readonly work: OperationWork;
  readonly #machine: MachineCost;
  readonly #ring: RingChoice;
  /** Searches request the same few costs millions of times. */
  readonly #known = new Map<string, number>();

  constructor(machine: MachineCost, ring: RingChoice) {
    this.#machine = machine;
    this.#ring = ring;
    this.work = new OperationWork(ring.alpha);
  }

  #recall(name: string, level: number, work: () => Work): number {
    const key = `${name}${level}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.milliseconds(work());
      this.#known.set(key, known);
    }
    return known;
  }

  milliseconds(work: Work): number {
    const { ringDegree } = this.#ring;
    const machine = this.#machine;
    const perCoefficient =
      work.transforms * machine.transformNs * Math.log2(ringDegree) +
      work.conversions * machine.conversionNs +
      work.keyProducts * machine.keyProductNs +
      work.products * machine.productNs +
      work.passes * machine.passNs +
      work.samples * machine.sampleNs;
    return (perCoefficient * ringDegree + work.barriers * machine.barrierNs) * 1e-6;
  }

  /** Digits of one ciphertext to all primes. */
  decompose(level: number): number {
    return this.#recall('decompose', level, () => this.work.decompose(level));
  }

  /** Inner product with one key, decomposition not included. */
  keyInner(level: number): number {
    return this.#recall('keyInner', level, () => this.work.keyInner(level));
  }

  /** One rotation of a ciphertext that is already decomposed. */
  hoistedRotation(level: number): number {
    return this.#recall('hoistedRotation', level, () => this.work.hoistedRotation(level));
  }

  /** A rotation alone. */
  keySwitch(level: number): number {
    return this.#recall('keySwitch', level, () => this.work.rotations(level, 1));
  }

  /** Relinearization of a product or sum of products, and the rescaling in the same division. */
  relinearizeRescale(level: number): number {
    return this.#recall('relinearizeRescale', level, () => this.work.relinearizeRescale(level));
  }

  /** The same after a rotated sum. */
  relinearizeTimesP(level: number): number {
    return this.#recall('relinearizeTimesP', level, () => this.work.relinearizeTimesP(level, true));
  }

  /** A giant step: a product relinearized, rescaled, perhaps rotated, and added to others. */
  addRotated(level: number, rotates: boolean): number {
    return this.#recall(rotates ? 'addRotated' : 'addUnrotated', level, () =>
      this.work.addRotated(level, rotates),
    );
  }

  /** The end of a sum of such giant steps. */
  finishRotated(level: number): number {
    return this.#recall('finishRotated', level, () => this.work.finishRotated(level));
  }

  /** A fold over `steps` steps. */
  fold(level: number, steps: number): number {
    return this.#recall(`fold ${steps} at `, level, () => this.work.fold(level, steps));
  }

  /** Ciphertext · ciphertext, accumulated; `special`: modulo Q·P. */
  product(level: number, special: boolean): number {
    const from = special ? level + this.#ring.alpha : level;
    return this.#recall('product', from, () => ({ ...this.work.inner(from, 1), barriers: 0 }));
  }

  encrypt(level: number): number {
    return this.#recall('encrypt', level, () => this.work.encrypt(level));
  }

  /** An encrypted constant in the bundle. */
  constantBytes(level: number, special: boolean): number {
    return 4 * this.#ring.ringDegree * (special ? this.work.extended(level) : level + 1);
  }

  /** One evaluation key in the bundle. */
  keyBytes(level: number): number {
    return 4 * this.#ring.ringDegree * this.work.digits(level) * this.work.extended(level);
  }
}
