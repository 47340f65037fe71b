import type { WeightTensor } from './weight-tensors.ts';

/** Size of a fingerprint in the largest layer: its standard deviation in units of that of the layer's weights. */
export const MARK_STRENGTH = 0.015;

/** Standard deviation of the weights that are not zero; zeros are structure, or were pruned. */
export function deviationOf(values: ArrayLike<number>): number {
  let [count, sum, squares] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === 0) continue;
    count++;
    sum += value;
    squares += value * value;
  }
  return count === 0 ? 0 : Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}

/**
 * Standard deviation of the fingerprint in each tensor, in units of the tensor's own. A change of all weights of a layer by some share changes what
 * comes out of it by about that share, however many they are; what the fingerprint says grows with their number. So the amplitude goes with
 * the root of the number, and decisions stay the same under three times the fingerprint that equal shares would allow.
 */
export function markAmplitudes(tensors: readonly WeightTensor[]): number[] {
  const largest = tensors.reduce((most, { tensor }) => Math.max(most, tensor.data.length), 1);
  return tensors.map(({ tensor }) => MARK_STRENGTH * Math.sqrt(tensor.data.length / largest));
}
