import { findPrimes, MAX_LOG_QP, type ParametersLiteral } from '#fhe';
import { type MachineCost, OperationCost, TYPICAL_MACHINE } from '#fhe/design';
import { NetworkError } from '#network/errors.ts';
import { LONG_PRIME_BITS, type Scales, SHORT_PRIME_BITS, scalesFor } from '../compile-limits.ts';
import { MILLISECONDS_PER_BYTE } from './schedule.ts';

/** Rings that the 2024 table allows, in order. */
export const RING_DEGREES: readonly number[] = [4096, 8192, 16384, 32768, 65536];
/** Rings from this size on use digits of several limbs if that is cheaper. */
const HYBRID_FROM = 16384;

/**
 * Digits at the top level. With fewer, special primes outnumber the others at most levels: LeNet-5 then plans half as large again.
 */
const FEWEST_DIGITS = 3;

/** Parameters for a depth. */
export type ChosenParameters = {
  readonly literal: ParametersLiteral;
  readonly alpha: number;
  readonly scales: Scales;
  readonly cost: OperationCost;
};

/** What stands for all key switches at a level: one alone and four hoisted, with the price of their keys. */
function keySwitchValue(cost: OperationCost, level: number): number {
  return (
    cost.keySwitch(level) + 4 * cost.hoistedRotation(level) + 5 * MILLISECONDS_PER_BYTE * cost.keyBytes(level)
  );
}

/**
 * The smallest ring of the 2024 table, from `smallest` on, that holds `depth` levels, with the cheapest digit size for key switching. The last
 * prime and the special primes are long; the primes that rescaling drops are short where digits have several limbs.
 *
 * @throws NetworkError NETWORK_TOO_DEEP if even N = 65536 does not.
 */
export function chooseParameters(
  depth: number,
  machine: MachineCost = TYPICAL_MACHINE,
  smallest = 0,
): ChosenParameters {
  for (const ringDegree of RING_DEGREES) {
    if (ringDegree < smallest) continue;
    const hybrid = ringDegree < HYBRID_FROM ? 1 : Math.floor((depth + 1) / FEWEST_DIGITS);
    // A digit of one limb, the last prime, would be as long as a single special prime: then short primes cost precision.
    const bits = hybrid > 1 ? SHORT_PRIME_BITS[ringDegree]! : LONG_PRIME_BITS;
    // Long primes that fit beside those that rescaling drops: the last one and the special ones.
    const most = Math.floor((MAX_LOG_QP[ringDegree]! - depth * bits) / LONG_PRIME_BITS) - 1;
    // Nor may short primes meet a single special prime.
    const least = hybrid > 1 ? 2 : 1;
    if (most < least) continue;
    let best: { alpha: number; value: number; cost: OperationCost } | null = null;
    const largest = Math.max(least, Math.min(hybrid, most));
    for (let alpha = least; alpha <= largest; alpha++) {
      const cost = new OperationCost(machine, { ringDegree, alpha });
      const value = keySwitchValue(cost, depth) + 2 * keySwitchValue(cost, Math.floor(depth / 2));
      if (best === null || value < best.value) best = { alpha, value, cost };
    }
    const { alpha, cost } = best!;
    const long = findPrimes(ringDegree, LONG_PRIME_BITS, alpha + 1);
    const literal = {
      ringDegree,
      specialModuli: long.slice(0, alpha),
      moduli: [long[alpha]!, ...findPrimes(ringDegree, bits, depth, long)],
    };
    return { literal, alpha, cost, scales: scalesFor(bits) };
  }
  throw new NetworkError(
    'NETWORK_TOO_DEEP',
    `${depth} levels need ${depth + 2} primes, more than N = 65536 holds; use fewer layers or lower degrees`,
  );
}
