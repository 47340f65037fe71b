import { galoisElement, nttPermutation } from '../../ring/automorphism.ts';
import { bitReverse } from '../../ring/bit-reverse.ts';
import { invMod, mulMod } from '../../ring/modular.ts';
import { minimalPrimitiveRoot } from '../../ring/primitive-root.ts';
import type { Address, Arena } from './arena.ts';

/** floor(w · 2^32 / q), the companion of w in Shoup's multiplication; w in [0, q), q < 2^30. */
export function shoupCompanion(w: number, q: number): number {
  const estimate = Math.floor((w * 2 ** 32) / q);
  // The float64 quotient is off by less than one, so the remainder lies in (−q, 2q) and fits a signed word.
  const remainder = -Math.imul(estimate, q) | 0;
  return remainder < 0 ? estimate - 1 : remainder >= q ? estimate + 1 : estimate;
}

/** q^−1 mod 2^32 by Newton's iteration; q odd. */
function inverseModWord(q: number): number {
  let x = q;
  for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(q, x));
  return x >>> 0;
}

/** Tables of the kernel in wasm memory, each made on first use. */
export class KernelTables {
  readonly degree: number;
  readonly logDegree: number;
  /** The eight permutations of four residues that automorphisms use, 16 bytes each. */
  readonly patterns: Address;
  readonly #arena: Arena;
  readonly #primes = new Map<number, Address>();
  readonly #rotations = new Map<number, Address>();
  #fourier: Address | null = null;

  constructor(arena: Arena, degree: number) {
    this.#arena = arena;
    this.degree = degree;
    this.logDegree = Math.log2(degree);
    this.patterns = arena.place(PATTERNS.flatMap(patternWords));
  }

  /** The record of a prime; layout in fhe/kernel/assembly/prime.ts. */
  prime(q: number): Address {
    const known = this.#primes.get(q);
    if (known !== undefined) return known;
    const root = minimalPrimitiveRoot(this.degree, q);
    const forward = this.#powers(root, q);
    const inverse = this.#powers(invMod(root, q), q);
    const inverseDegree = invMod(this.degree % q, q);
    const lastRoot = mulMod(inverse[1]!, inverseDegree, q);
    const montgomeryOne = 2 ** 32 % q;
    const address = this.#arena.place([
      q,
      this.logDegree,
      this.#arena.place(forward),
      this.#arena.place(forward.map((w) => shoupCompanion(w, q))),
      this.#arena.place(inverse),
      this.#arena.place(inverse.map((w) => shoupCompanion(w, q))),
      inverseDegree,
      shoupCompanion(inverseDegree, q),
      lastRoot,
      shoupCompanion(lastRoot, q),
      inverseModWord(q),
      montgomeryOne,
      shoupCompanion(montgomeryOne, q),
      shoupCompanion(1, q),
      0,
      0,
    ]);
    this.#primes.set(q, address);
    return address;
  }

  #powers(root: number, q: number): Uint32Array {
    const powers = new Uint32Array(this.degree);
    for (let i = 0, power = 1; i < this.degree; i++, power = mulMod(power, root, q)) {
      powers[bitReverse(i, this.logDegree)] = power;
    }
    return powers;
  }

  /** The automorphism of a rotation by `step`; layout in fhe/kernel/assembly/automorphism.ts. */
  rotation(step: number): Address {
    const element = galoisElement(step, this.degree);
    const known = this.#rotations.get(element);
    if (known !== undefined) return known;
    const permutation = nttPermutation(element, this.degree);
    const entries = new Uint32Array(this.degree / 4);
    for (let group = 0; group < entries.length; group++) {
      const inside = [0, 1, 2, 3].map((i) => permutation[4 * group + i]! & 3).join('');
      entries[group] = (permutation[4 * group]! >>> 2) * 16 + PATTERNS.indexOf(inside);
    }
    const address = this.#arena.place(entries);
    this.#rotations.set(element, address);
    return address;
  }

  /** Roots of the slot transform: for node i of the splitting tree of X^N + 1 the pair (Re, Im), exp(πi · bitreverse(i) / N). */
  fourier(): Address {
    if (this.#fourier !== null) return this.#fourier;
    const roots = new Float64Array(2 * this.degree);
    for (let i = 0; i < this.degree; i++) {
      const angle = (Math.PI * bitReverse(i, this.logDegree)) / this.degree;
      roots[2 * i] = Math.cos(angle);
      roots[2 * i + 1] = Math.sin(angle);
    }
    this.#fourier = this.#arena.placeDoubles(roots);
    return this.#fourier;
  }
}

/**
 * Four neighbours of the NTT order are the exponents e, e + N, e + N/2, e + 3N/2 (that is t = 0, 2, 1, 3 quarters of 2N); t → g·t + c
 * modulo 4 with odd g gives these eight orders.
 */
const PATTERNS: readonly string[] = [1, 3].flatMap((g) =>
  [0, 1, 2, 3].map((c) => [0, 2, 1, 3].map((t) => [0, 2, 1, 3].indexOf((g * t + c) % 4)).join('')),
);

/** The operand of `swizzle` that moves words as `pattern` says. */
function patternWords(pattern: string): number[] {
  return [...pattern].map((digit) => {
    const byte = 4 * Number(digit);
    return (byte | ((byte + 1) << 8) | ((byte + 2) << 16) | ((byte + 3) << 24)) >>> 0;
  });
}
