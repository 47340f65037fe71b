import type { Parameters } from '../ckks/parameters.ts';
import { createSlotTransform } from '../ring/fourier.ts';
import { createNtt } from '../ring/ntt.ts';

/**
 * Reads the answers that are gathered in a plaintext (`Gathering`). Place p has the coefficients ≡ p modulo `places`, which are a polynomial of the ring of degree N / places, of whose slots the
 * N / 2 slots of an answer are copies.
 *
 * @returns takes the residues of a plaintext of level 0 in NTT form; gives of each place real and then imaginary parts of its slots, of these perhaps the negative ones
 */
export function placeReader(
  { ringDegree, moduli }: Parameters,
  places: number,
): (residues: Uint32Array, scale: number) => Float64Array[] {
  const q = moduli[0]!;
  const ntt = createNtt(ringDegree, q);
  const degree = ringDegree / places;
  const half = degree / 2;
  const transform = createSlotTransform(degree);
  return (residues, scale) => {
    const coefficients = residues.slice(0, ringDegree);
    ntt.inverse(coefficients);
    const read = Array.from({ length: places }, (_, place) => {
      const own = Float64Array.from({ length: degree }, (_, i) => {
        const value = coefficients[i * places + place]!;
        return (value > q / 2 ? value - q : value) / scale;
      });
      // X^(degree/2) is i or −i in every slot.
      const turned = Float64Array.from({ length: degree }, (_, i) =>
        i < half ? -own[i + half]! : own[i - half]!,
      );
      const slots = new Float64Array(degree);
      slots.set(transform.toSlots(own));
      slots.set(transform.toSlots(turned), half);
      for (const values of [own, turned]) values.fill(0);
      return slots;
    });
    coefficients.fill(0);
    return read;
  };
}
