import type { CalibratedRanges } from '#network/model/calibrated-ranges.ts';
import { runRegisters } from './run-steps.ts';
import { type StepNetwork, scaledRegisters } from './steps.ts';

/**
 * Largest magnitude, over the pictures, of every linear step but the last (see `scaledRegisters`), and of the logits.
 *
 * @param pictures values of all pictures, one after the other.
 */
export function calibrateSteps(network: StepNetwork, pictures: Float32Array): CalibratedRanges {
  const size = network.pictureShape.reduce((a, b) => a * b, 1);
  const registers = [...scaledRegisters(network), network.steps.length];
  const largest = registers.map(() => 0);
  for (let at = 0; at + size <= pictures.length; at += size) {
    const values = runRegisters(network, pictures.subarray(at, at + size));
    registers.forEach((register, i) => {
      for (const value of values[register]!) largest[i] = Math.max(largest[i]!, Math.abs(value));
    });
  }
  return { activations: largest.slice(0, -1), logits: largest.at(-1)! };
}
