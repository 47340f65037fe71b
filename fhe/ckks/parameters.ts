import { FheError } from '../errors.ts';

/** Requested parameters, not yet checked. */
export type ParametersLiteral = {
  readonly ringDegree: number;
  /** Data primes q₀ … q_L, in level order: a ciphertext of level l lives modulo q₀ … q_l. */
  readonly moduli: readonly number[];
  /** Special primes P of key switching; their number is α, the limbs in a digit. */
  readonly specialModuli: readonly number[];
};

declare const checked: unique symbol;

/** Parameters that passed {@link checkParameters}; frozen. */
export type Parameters = ParametersLiteral & {
  readonly [checked]: true;
  readonly slots: number;
  /** Highest level, `moduli.length − 1`. */
  readonly maxLevel: number;
  /** log2 of the product of all primes, special ones included, in bits. */
  readonly logQP: number;
};

/**
 * Largest log2(Q·P) in bits for 128-bit classical security with a ternary secret and σ = 3.2.
 * Source: Security Guidelines for Implementing Homomorphic Encryption, 2024 (ia.cr/2024/463). N = 2048 is
 * used by the small ring of results only.
 */
export const MAX_LOG_QP: Readonly<Record<number, number>> = {
  2048: 53,
  4096: 106,
  8192: 214,
  16384: 430,
  32768: 868,
  65536: 1747,
};

const MIN_PRIME = 2 ** 20;
const MAX_PRIME = 2 ** 30;

function isPrime(n: number): boolean {
  if (n < 2 || n % 2 === 0) return n === 2;
  for (let d = 3; d * d <= n; d += 2) if (n % d === 0) return false;
  return true;
}

/**
 * Checks a literal and freezes it.
 *
 * @throws FheError FHE_PARAMETERS if ring degree and primes do not fit together; FHE_SECURITY if log2(Q·P)
 * exceeds the 2024 table. The message names the value and the bound.
 */
export function checkParameters(literal: ParametersLiteral): Parameters {
  const { ringDegree, moduli, specialModuli } = literal;
  const bound = MAX_LOG_QP[ringDegree];
  if (bound === undefined) {
    throw new FheError(
      'FHE_PARAMETERS',
      `ring degree ${ringDegree}: expected one of ${Object.keys(MAX_LOG_QP).join(', ')}`,
    );
  }
  if (moduli.length === 0) throw new FheError('FHE_PARAMETERS', 'the modulus chain has no prime');
  if (specialModuli.length === 0 && moduli.length > 1) {
    throw new FheError('FHE_PARAMETERS', 'key switching needs at least one special prime');
  }
  const primes = [...moduli, ...specialModuli];
  if (new Set(primes).size !== primes.length) throw new FheError('FHE_PARAMETERS', 'a prime occurs twice');
  for (const q of primes) {
    if (!Number.isInteger(q) || q <= MIN_PRIME || q >= MAX_PRIME) {
      throw new FheError('FHE_PARAMETERS', `prime ${q}: expected an integer in (2^20, 2^30)`);
    }
    if (q % (2 * ringDegree) !== 1) {
      throw new FheError('FHE_PARAMETERS', `prime ${q}: expected 1 modulo ${2 * ringDegree}`);
    }
    if (!isPrime(q)) throw new FheError('FHE_PARAMETERS', `${q} is not a prime`);
  }
  const logQP = primes.reduce((sum, q) => sum + Math.log2(q), 0);
  if (logQP > bound) {
    throw new FheError(
      'FHE_SECURITY',
      `log2(Q·P) = ${logQP.toFixed(2)} bits at N = ${ringDegree}: at most ${bound} bits are 128-bit secure (ia.cr/2024/463)`,
    );
  }
  return Object.freeze({
    ringDegree,
    moduli: Object.freeze([...moduli]),
    specialModuli: Object.freeze([...specialModuli]),
    slots: ringDegree / 2,
    maxLevel: moduli.length - 1,
    logQP,
  }) as Parameters;
}

/**
 * The `count` largest primes below 2^`bits` that are 1 modulo 2N, largest first, none of them in `except`.
 *
 * @throws FheError FHE_PARAMETERS if there are not that many.
 */
export function findPrimes(
  ringDegree: number,
  bits: number,
  count: number,
  except: readonly number[] = [],
): number[] {
  const step = 2 * ringDegree;
  const found: number[] = [];
  for (let q = Math.floor((2 ** bits - 2) / step) * step + 1; q > 2 ** (bits - 1); q -= step) {
    if (found.length === count) break;
    if (isPrime(q) && !except.includes(q)) found.push(q);
  }
  if (found.length < count) {
    throw new FheError(
      'FHE_PARAMETERS',
      `only ${found.length} of ${count} primes of ${bits} bits are 1 modulo ${step}`,
    );
  }
  return found;
}
