import sharp from 'sharp';
import type { PictureShape } from '#fhe';
import { preparePicture, type Rectangle } from '#vision/prepare-picture.ts';
import type { MaskedFrame } from './privacy-filter.ts';

// A daemon's settings: one thread, or a picture's worth of memory is kept for each; no cache, or frames linger in it.
sharp.concurrency(1);
sharp.cache(false);

/**
 * As {@link preparePicture}, for a network that answers about several regions at once. Where there are fewer, they are repeated: a black
 * picture could be one that the network was never calibrated for, and its answer would let the backend withhold the others.
 *
 * @param regions at least one; undefined for the whole picture
 * @param count regions that the network takes
 * @returns the values of `count` regions, one after the other
 */
export async function prepareRegions(
  frame: MaskedFrame,
  shape: PictureShape,
  regions: readonly (Rectangle | undefined)[],
  count: number,
): Promise<Float32Array<ArrayBuffer>> {
  const size = shape.channels * shape.height * shape.width;
  const values = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const again = i % regions.length;
    if (again < i) values.copyWithin(i * size, again * size, (again + 1) * size);
    else values.set(await preparePicture(frame, shape, regions[i]), i * size);
  }
  return values;
}
