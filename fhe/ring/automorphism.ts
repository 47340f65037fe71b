import { FheError } from '../errors.ts';
import { bitReverse } from './bit-reverse.ts';

/** Normalizes a rotation step to [0, N/2): rotation is cyclic over all slots. */
export function normalizeStep(step: number, degree: number): number {
  const slots = degree / 2;
  return ((step % slots) + slots) % slots;
}

/**
 * The Galois element of a rotation to the left by `step` slots: 3^step mod 2N, as in SEAL (other libraries use 5).
 * Slot i of a plaintext m is m(ζ^(3^i)), so X → X^(3^step) moves slot i + step to slot i.
 */
export function galoisElement(step: number, degree: number): number {
  const order = 2 * degree;
  let element = 1;
  for (let i = normalizeStep(step, degree); i > 0; i--) element = (element * 3) % order;
  return element;
}

/**
 * The automorphism X → X^element on a polynomial in NTT form is a permutation: entry i of the result is
 * entry `permutation[i]` of the source, the same for every prime.
 *
 * @throws FheError FHE_PARAMETERS if the element is even or outside [1, 2N).
 */
export function nttPermutation(element: number, degree: number): Uint32Array {
  const order = 2 * degree;
  if (!Number.isInteger(element) || element % 2 !== 1 || element < 1 || element >= order) {
    throw new FheError('FHE_PARAMETERS', `Galois element ${element}: expected an odd number below ${order}`);
  }
  const bits = Math.log2(degree);
  return Uint32Array.from({ length: degree }, (_, i) => {
    const exponent = ((2 * bitReverse(i, bits) + 1) * element) % order;
    return bitReverse((exponent - 1) / 2, bits);
  });
}
