import { readFrames } from '../datasets/clip.ts';
import type { PictureBox } from '../datasets/paste-people.ts';
import { findThings } from './find-things.ts';
import { THRESHOLD } from './propose-boxes.ts';
import { RunningScene } from './running-scene.ts';
import { shrinkFactor, shrinkFrame, shrunkSize } from './shrink-frame.ts';

/** Time constant of the scene, in seconds. */
const SCENE_SECONDS = 20;

/**
 * What stands out of the scene in each frame of a clip, as a program could tell that knows only the frames until then and has learned
 * nothing: the baseline that a network must beat.
 *
 * @param leastArea share of the frame that the smallest thing's box fills
 * @returns boxes in fractions of the frame, a list for each frame
 * @throws NetworkError NETWORK_DATA if the clip cannot be read; the signal's reason.
 */
export async function subtractBackground(
  clip: string,
  leastArea: number,
  { signal, onFrame }: { readonly signal?: AbortSignal; readonly onFrame?: (frames: number) => void } = {},
): Promise<PictureBox[][]> {
  const scene = new RunningScene(SCENE_SECONDS);
  const all: PictureBox[][] = [];
  let before = 0;
  for await (const { frame, size, timeMs } of readFrames(clip, signal)) {
    signal?.throwIfAborted();
    const factor = shrinkFactor(size);
    const small = shrinkFrame(frame, size, factor);
    const known = scene.take(small, timeMs - before);
    before = timeMs;
    const extent = shrunkSize(size, factor);
    const minSize = Math.sqrt(leastArea * extent.width * extent.height);
    const things = known === null ? [] : findThings(small, known, extent, { threshold: THRESHOLD, minSize });
    const across = factor / size.width;
    const down = factor / size.height;
    all.push(
      things.map(({ x, y, width, height }) => ({
        ...{ x: x * across, y: y * down },
        ...{ width: width * across, height: height * down },
      })),
    );
    onFrame?.(all.length);
  }
  return all;
}
