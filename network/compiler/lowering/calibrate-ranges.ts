import type { CalibratedRanges } from '#network/model/calibrated-ranges.ts';
import { applyAffine } from '../linear/affine.ts';
import type { StagedNetwork } from './lower.ts';

/**
 * Runs a network on pictures and records the largest magnitude before each square and in the logits.
 *
 * @param pictures values of all pictures, one after the other.
 */
export function calibrateRanges(network: StagedNetwork, pictures: Float32Array): CalibratedRanges {
  const size = network.stages[0]!.columns;
  const largest = network.stages.map(() => 0);
  for (let at = 0; at + size <= pictures.length; at += size) {
    let values: ArrayLike<number> = pictures.subarray(at, at + size);
    network.stages.forEach((stage, i) => {
      const result = applyAffine(stage, values);
      for (const value of result) largest[i] = Math.max(largest[i]!, Math.abs(value));
      values = result.map((value) => value * value);
    });
  }
  return { activations: largest.slice(0, -1), logits: largest.at(-1)! };
}
