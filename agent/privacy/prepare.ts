import sharp from 'sharp';
import type { PictureShape } from '#fhe';
import { prepareBytes, type Rectangle } from '#vision/prepare-picture.ts';
import type { MaskedFrame } from './privacy-filter.ts';

// A daemon's settings: one thread, or a picture's worth of memory is kept for each; no cache, or frames linger in it.
sharp.concurrency(1);
sharp.cache(false);

/**
 * As {@link prepareBytes}, for a network that answers about several regions at once. Where there are fewer, they are repeated: a black
 * picture could be one that the network was never calibrated for, and its answer would let the backend withhold the others.
 *
 * @param regions at least one; undefined for the whole picture
 * @param count regions that the network takes
 * @returns the bytes of `count` regions, one after the other; their light is not normalized yet (`pictureInputs`)
 */
export async function prepareRegions(
  frame: MaskedFrame,
  shape: PictureShape,
  regions: readonly (Rectangle | undefined)[],
  count: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const size = shape.channels * shape.height * shape.width;
  const bytes = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    const again = i % regions.length;
    if (again < i) bytes.copyWithin(i * size, again * size, (again + 1) * size);
    else bytes.set(await prepareBytes(frame, shape, regions[i]), i * size);
  }
  return bytes;
}
