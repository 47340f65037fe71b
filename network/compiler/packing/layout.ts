/**
 * Where the values of a vector stand in the slots of a ciphertext.
 *
 * - `periodic`: value i at every slot ≡ i (mod `period`); slots from `size` on, within a period, are zero.
 * - `strided`: value i at slot i · `stride`; whatever is left over from folding stands elsewhere.
 */
export type Layout =
  | { readonly kind: 'periodic'; readonly size: number; readonly period: number }
  | { readonly kind: 'strided'; readonly size: number; readonly stride: number };

/** Smallest power of two that is at least `value`. */
export function powerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

/** The steps that sum over the bits from `low` (inclusive) to `high` (exclusive), both powers of two, high bits first. */
export function foldSteps(low: number, high: number): number[] {
  const steps: number[] = [];
  for (let step = high / 2; step >= low; step /= 2) steps.push(step);
  return steps;
}
