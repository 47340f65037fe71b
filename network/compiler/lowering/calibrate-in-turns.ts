import { setImmediate } from 'node:timers/promises';
import type { CalibratedRanges } from '#network/model/calibrated-ranges.ts';
import { calibrateSteps } from './calibrate-steps.ts';
import { registerSizes, type StepNetwork } from './steps.ts';

/** Pictures processed per turn of the event loop. */
const TURN = 20;

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
  const turn = TURN * registerSizes(network)[0]!;
  let found = calibrateSteps(network, pictures.subarray(0, turn));
  for (let at = turn; at < pictures.length; at += turn) {
    options.onProgress?.(at / pictures.length);
    await setImmediate();
    options.signal?.throwIfAborted();
    const { activations, logits } = calibrateSteps(network, pictures.subarray(at, at + turn));
    found = {
      activations: found.activations.map((range, i) => Math.max(range, activations[i]!)),
      logits: Math.max(found.logits, logits),
    };
  }
  options.onProgress?.(1);
  return found;
}
