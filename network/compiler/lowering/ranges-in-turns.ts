import { setImmediate } from 'node:timers/promises';
import type { CalibratedRanges } from '#network/model/calibrated-ranges.ts';
import { calibrateSteps } from './calibrate-steps.ts';
import { registerSizes, type StepNetwork } from './steps.ts';

/** Pictures processed per turn of the event loop. */
const TURN = 20;

/**
 * What {@link calibrateSteps} finds for each picture by itself; yields to the event loop.
 *
 * @param pictures values of all pictures, one after the other.
 * @param options.onProgress called with the share done, up to 1.
 * @throws the signal's reason.
 */
export async function rangesInTurns(
  network: StepNetwork,
  pictures: Float32Array,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void } = {},
): Promise<CalibratedRanges[]> {
  const size = registerSizes(network)[0]!;
  const ranges: CalibratedRanges[] = [];
  for (let at = 0; at + size <= pictures.length; at += size) {
    if (ranges.length > 0 && ranges.length % TURN === 0) {
      options.onProgress?.(at / pictures.length);
      await setImmediate();
      options.signal?.throwIfAborted();
    }
    ranges.push(calibrateSteps(network, pictures.subarray(at, at + size)));
  }
  options.onProgress?.(1);
  return ranges;
}
