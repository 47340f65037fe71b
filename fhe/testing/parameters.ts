import { checkParameters, findPrimes, type Parameters } from '../ckks/parameters.ts';

/**
 * Parameters for tests: the `levels` + `special` largest primes of `bits` bits.
 */
export function testParameters(
  ringDegree: number,
  levels: number,
  { special = 1, bits = 30 }: { readonly special?: number; readonly bits?: number } = {},
): Parameters {
  const primes = findPrimes(ringDegree, bits, levels + special);
  return checkParameters({
    ringDegree,
    moduli: primes.slice(0, levels),
    specialModuli: primes.slice(levels),
  });
}

/** Numbers in [0, 1) that are the same on every run (mulberry32). */
export function testRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` values, uniform in [−bound, bound). */
export function randomSlots(count: number, seed: number, bound = 1): Float64Array {
  const next = testRandom(seed);
  return Float64Array.from({ length: count }, () => (2 * next() - 1) * bound);
}

/** Largest |a − b|; NaN where a value is. */
export function worstError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = Math.abs(a.length - b.length) === 0 ? 0 : Number.NaN;
  for (let i = 0; i < a.length; i++) {
    const error = Math.abs(a[i]! - b[i]!);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}
