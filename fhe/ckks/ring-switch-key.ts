import { StreamPurpose, sampleUniform } from '../ring/samplers.ts';
import { findPrimes, type ParametersLiteral } from './parameters.ts';

/**
 * A key that switches a level-0 ciphertext from the secret s of the ring N to s′(X^(N/n)), where s′ is the secret of the small result ring n.
 *
 * An N-dimensional sample under a secret of the subring is N/n samples in dimension n, so q₀·P′ must stay within the bound of n: 53 bits at
 * n = 2048. Hence a small prime P′ of its own, and q₀ cut into {@link RING_SWITCH_DIGITS} digits of {@link RING_SWITCH_DIGIT_BITS} bits.
 * Digit d is the pair (b, a) modulo q₀ and P′ with b = −a·s′ + e + P′·2^(15·d)·s modulo q₀, and without the last term modulo P′.
 */
export type RingSwitchKey = {
  /** n. */
  readonly ringDegree: number;
  /** (digit · 2 + limb) · N + coefficient; limbs q₀, P′; NTT form. */
  readonly b: Uint32Array;
  readonly seed: Uint8Array;
};

export const RING_SWITCH_DIGITS = 2;
export const RING_SWITCH_DIGIT_BITS = 15;

/** P′: the largest prime below 2^22 that is 1 modulo 2N and not in the chain. */
export function ringSwitchPrime({ ringDegree, moduli, specialModuli }: ParametersLiteral): number {
  return findPrimes(ringDegree, 22, 1, [...moduli, ...specialModuli])[0]!;
}

/** q₀ and P′. */
export function ringSwitchPrimes(parameters: ParametersLiteral): readonly [number, number] {
  return [parameters.moduli[0]!, ringSwitchPrime(parameters)];
}

/** Residues in `RingSwitchKey.b`. */
export function ringSwitchResidues(parameters: ParametersLiteral): number {
  return RING_SWITCH_DIGITS * 2 * parameters.ringDegree;
}

/** The uniform halves, in the order of `b`; q₀ is limb 0 of the stream and P′ limb 1. */
export function expandRingSwitchHalf(parameters: ParametersLiteral, seed: Uint8Array): Uint32Array {
  const degree = parameters.ringDegree;
  const a = new Uint32Array(ringSwitchResidues(parameters));
  for (let digit = 0; digit < RING_SWITCH_DIGITS; digit++) {
    ringSwitchPrimes(parameters).forEach((q, limb) => {
      const at = (digit * 2 + limb) * degree;
      sampleUniform(a.subarray(at, at + degree), q, seed, StreamPurpose.ringSwitchKey, { digit, limb });
    });
  }
  return a;
}
