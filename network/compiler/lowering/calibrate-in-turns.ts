import type { CalibratedRanges } from '#network/model/calibrated-ranges.ts';
import { calibrateSteps } from './calibrate-steps.ts';
import { rangesInTurns } from './ranges-in-turns.ts';
import type { StepNetwork } from './steps.ts';

/**
 * As {@link calibrateSteps}, but yields to the event loop.
 *
 * @param pictures values of all pictures, one after the other.
 * @param options.onProgress called with the share done, up to 1.
 * @throws the signal's reason.
 */
export async function calibrateInTurns(
  network: StepNetwork,
  pictures: Float32Array,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void } = {},
): Promise<CalibratedRanges> {
  const found = await rangesInTurns(network, pictures, options);
  return found.reduce(
    (most, { activations, logits }) => ({
      activations: most.activations.map((range, i) => Math.max(range, activations[i]!)),
      logits: Math.max(most.logits, logits),
    }),
    calibrateSteps(network, new Float32Array()),
  );
}
