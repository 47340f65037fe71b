import type { Program } from '../../program/program.ts';

/** The work of engine operations: counts of passes over one limb, as the evaluator records them. */
export type Work = {
  /** NTTs of one limb. */
  readonly transforms: number;
  /**
   * Limbs that base conversions read: k for every limb that a digit or divisor of k > 1 limbs is converted to; a single limb needs no conversion.
   */
  readonly conversions: number;
  /** Products of residues in inner products of key switching. */
  readonly keyProducts: number;
  /** Products of residues of two ciphertexts. */
  readonly products: number;
  /** Limbs that are added, permuted or copied. */
  readonly passes: number;
  /** Polynomials sampled and encoded for an encryption. */
  readonly samples: number;
  /** Instructions: all threads wait for each other between them. */
  readonly barriers: number;
};

export const WORK_KINDS = [
  'transforms',
  'conversions',
  'keyProducts',
  'products',
  'passes',
  'samples',
  'barriers',
] as const satisfies readonly (keyof Work)[];

const NOTHING: Work = {
  transforms: 0,
  conversions: 0,
  keyProducts: 0,
  products: 0,
  passes: 0,
  samples: 0,
  barriers: 0,
};

function work(part: Partial<Work>): Work {
  return { ...NOTHING, ...part };
}

/** Sum of works. */
export function addWork(...parts: readonly Work[]): Work {
  const sum: Record<keyof Work, number> = { ...NOTHING };
  for (const part of parts) for (const kind of WORK_KINDS) sum[kind] += part[kind];
  return sum;
}

/** The same work several times. */
export function timesWork(part: Work, times: number): Work {
  const product: Record<keyof Work, number> = { ...NOTHING };
  for (const kind of WORK_KINDS) product[kind] = part[kind] * times;
  return product;
}

/** Counts the work of operations at a level, with α special primes and digits of α limbs (../evaluator). */
export class OperationWork {
  /** Special primes, limbs in a digit. */
  readonly alpha: number;
  readonly #weights: Program['weights'];

  /** @param weights as those of a program */
  constructor(alpha: number, weights?: Program['weights']) {
    this.alpha = alpha;
    this.#weights = weights;
  }

  /** Products of residues for each of a ciphertext's and a weight's. */
  get #productsOfWeight(): number {
    return this.#weights === 'plain' ? 2 : 4;
  }

  digits(level: number): number {
    return Math.ceil((level + 1) / this.alpha);
  }

  extended(level: number): number {
    return level + 1 + this.alpha;
  }

  /** Digits of one polynomial, transformed to all primes. */
  decompose(level: number): Work {
    const alpha = this.alpha;
    const digits = this.digits(level);
    const converted = digits * this.extended(level) - (level + 1);
    return work({
      transforms: level + 1 + converted,
      conversions: alpha === 1 ? 0 : converted * alpha + (digits * alpha * (alpha - 1)) / 2,
    });
  }

  /** Division of `polynomials` polynomials by `divisor` primes, of which `limbs` limbs remain. */
  divide(limbs: number, polynomials: number, divisor = this.alpha): Work {
    return work({
      transforms: polynomials * (divisor + limbs),
      conversions: divisor === 1 ? 0 : polynomials * (limbs * divisor + (divisor * (divisor - 1)) / 2),
      passes: polynomials * limbs,
    });
  }

  /** Inner product with one key, decomposition not included. */
  keyInner(level: number): Work {
    return work({ keyProducts: 2 * this.digits(level) * this.extended(level) });
  }

  /** One rotation of a polynomial that is already decomposed. */
  hoistedRotation(level: number): Work {
    return addWork(work({ passes: level + 1 }), this.keyInner(level), this.divide(level + 1, 2));
  }

  /** `count` rotations of one ciphertext. */
  rotations(level: number, count: number): Work {
    return addWork(
      work({ barriers: 1 }),
      this.decompose(level),
      timesWork(this.hoistedRotation(level), count),
    );
  }

  relinearize(level: number): Work {
    return addWork(
      work({ barriers: 1 }),
      this.decompose(level),
      this.keyInner(level),
      this.divide(level + 1, 2),
    );
  }

  /** Relinearization and rescaling in one division. */
  relinearizeRescale(level: number): Work {
    return addWork(
      work({ barriers: 1, passes: 2 * (level + 1) }),
      this.decompose(level),
      this.keyInner(level),
      this.divide(level, 2, this.alpha + 1),
    );
  }

  /**
   * Sum of rotations of `sources` ciphertexts times weights; `turning` of the `terms` are rotated by a non-zero step. Three polynomials (two where weights
   * are plain), times P.
   */
  rotatedSum(level: number, terms: number, turning: number, sources: number): Work {
    return addWork(
      work({ barriers: 1, products: this.#productsOfWeight * terms * this.extended(level) }),
      timesWork(this.decompose(level), sources),
      timesWork(this.keyInner(level), turning),
    );
  }

  /** The end of a `rotatedSum` that is relinearized, and perhaps rescaled. */
  relinearizeTimesP(level: number, rescaling: boolean): Work {
    const limbs = level + (rescaling ? 0 : 1);
    return addWork(
      work({ barriers: 1, passes: 2 * this.extended(level) }),
      this.divide(level + 1, 1),
      this.decompose(level),
      this.keyInner(level),
      this.divide(limbs, 2, this.alpha + (rescaling ? 1 : 0)),
    );
  }

  /** A product relinearized (unless weights are plain), rescaled, perhaps rotated, and added to a sum that is divided later. */
  addRotated(level: number, rotates: boolean): Work {
    if (this.#weights === 'plain') return this.#addRotatedPlain(level, rotates);
    const relinearized = addWork(
      work({ barriers: 1, passes: 2 * (level + 1) + this.extended(level) }),
      this.decompose(level),
      this.keyInner(level),
    );
    if (!rotates) return addWork(relinearized, work({ passes: this.extended(level) }));
    return addWork(
      relinearized,
      work({ barriers: 1, passes: 2 * this.extended(level - 1) }),
      this.divide(level, 1, this.alpha + 1),
      this.decompose(level - 1),
      this.keyInner(level - 1),
    );
  }

  #addRotatedPlain(level: number, rotates: boolean): Work {
    const added = work({ barriers: 1, passes: (rotates ? 1 : 2) * (level + 1) });
    if (!rotates) return added;
    return addWork(
      added,
      work({ barriers: 1, passes: 2 * this.extended(level - 1) }),
      this.divide(level, 1, 1),
      this.decompose(level - 1),
      this.keyInner(level - 1),
    );
  }

  /** The division of such a sum of products of a level. */
  finishRotated(level: number): Work {
    if (this.#weights === 'plain')
      return addWork(work({ barriers: 2 }), this.divide(level, 2, 1), this.divide(level, 2));
    return addWork(
      work({ barriers: 1, passes: 2 * this.extended(level - 1) }),
      this.divide(level, 2, this.alpha + 1),
    );
  }

  /** x + Σ of `rotations` rotations of x. */
  foldRound(level: number, rotations: number): Work {
    return addWork(
      work({ barriers: 1, passes: (rotations + 1) * (level + 1) }),
      this.decompose(level),
      timesWork(this.keyInner(level), rotations),
      this.divide(level + 1, 2),
    );
  }

  /** A fold over `steps` steps: two of them per round (fhe/program/fold-rounds.ts). */
  fold(level: number, steps: number): Work {
    const rounds = timesWork(this.foldRound(level, 3), Math.floor(steps / 2));
    return steps % 2 === 0 ? rounds : addWork(rounds, this.foldRound(level, 1));
  }

  /** Σ of `terms` products with weights. */
  weighted(level: number, terms: number): Work {
    return work({ barriers: 1, products: this.#productsOfWeight * terms * (level + 1) });
  }

  /** Σ of `terms` products of ciphertexts. */
  inner(level: number, terms: number): Work {
    return work({ barriers: 1, products: 4 * terms * (level + 1) });
  }

  rescale(level: number): Work {
    return addWork(work({ barriers: 1 }), this.divide(level, 2, 1));
  }

  /** A pass over a ciphertext. */
  elementwise(level: number): Work {
    return work({ barriers: 1, passes: 2 * (level + 1) });
  }

  /** Public-key encryption of a picture into one ciphertext. */
  encrypt(level: number): Work {
    return work({ samples: 1, transforms: 3 * (level + 1) + 3, passes: 2 * (level + 1) });
  }
}
