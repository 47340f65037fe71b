import { findPrimes, MAX_LOG_QP, type ParametersLiteral } from '#fhe';
import { type MachineCost, OperationCost, TYPICAL_MACHINE } from '#fhe/design';
import { NetworkError } from '#network/errors.ts';
import { PRIME_BITS } from '../compile-limits.ts';

/** Rings that the 2024 table allows, in order. */
export const RING_DEGREES: readonly number[] = [4096, 8192, 16384, 32768, 65536];
/** Rings from this size on use digits of several limbs if that is cheaper. */
const HYBRID_FROM = 16384;

/** Parameters for a depth. */
export type ChosenParameters = {
  readonly literal: ParametersLiteral;
  readonly alpha: number;
  readonly cost: OperationCost;
};

/**
 * The smallest ring of the 2024 table, from `smallest` on, that holds `depth` levels of 30-bit primes, with the cheapest digit size for
 * key switching.
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
    const most = Math.floor(MAX_LOG_QP[ringDegree]! / PRIME_BITS);
    if (depth + 2 > most) continue;
    let best: { alpha: number; milliseconds: number; cost: OperationCost } | null = null;
    const largest = ringDegree < HYBRID_FROM ? 1 : Math.min(depth + 1, most - depth - 1);
    for (let alpha = 1; alpha <= largest; alpha++) {
      const cost = new OperationCost(machine, { ringDegree, alpha });
      // The middle of the chain stands for all levels.
      const milliseconds = cost.keySwitch(depth) + 2 * cost.keySwitch(Math.floor(depth / 2));
      if (best === null || milliseconds < best.milliseconds) best = { alpha, milliseconds, cost };
    }
    const { alpha, cost } = best!;
    const primes = findPrimes(ringDegree, PRIME_BITS, depth + 1 + alpha);
    const literal = {
      ringDegree,
      specialModuli: primes.slice(0, alpha),
      moduli: primes.slice(alpha),
    };
    return { literal, alpha, cost };
  }
  throw new NetworkError(
    'NETWORK_TOO_DEEP',
    `${depth} levels need ${depth + 2} primes of ${PRIME_BITS} bits, more than N = 65536 holds; use fewer layers or lower degrees`,
  );
}
