import sharp from 'sharp';
import type { CameraConfig } from '#config/schema.ts';
import type { PictureShape } from '#fhe/program/program.ts';
import type { MaskedFrame } from './privacy-filter.ts';

// A daemon's settings: one thread, or a picture's worth of memory is kept for each; no cache, or frames linger in it.
sharp.concurrency(1);
sharp.cache(false);

/** A part of a picture in fractions of it, origin top left. */
export type Rectangle = NonNullable<CameraConfig['region']>;

/**
 * Pixels of a region given in fractions; at least one pixel, never outside.
 *
 * @param width of the picture, in pixels
 * @param height of the picture, in pixels
 */
export function regionPixels(region: Rectangle, width: number, height: number) {
  const left = Math.min(Math.round(region.x * width), width - 1);
  const top = Math.min(Math.round(region.y * height), height - 1);
  return {
    left,
    top,
    width: Math.max(1, Math.min(Math.round(region.width * width), width - left)),
    height: Math.max(1, Math.min(Math.round(region.height * height), height - top)),
  };
}

/**
 * Makes a network's input of a masked frame: region of interest, grey where the network wants one channel, Lanczos
 * to the network's size, pixel / 255. Training prepares its pictures by the same calls with the same settings.
 *
 * @returns channels × height × width values in [0, 1], channel first, rows from the top
 */
export async function prepare(
  frame: MaskedFrame,
  shape: PictureShape,
  region: Rectangle | undefined,
): Promise<Float32Array<ArrayBuffer>> {
  const { width, height } = frame;
  let picture = sharp(frame.data, { raw: { width, height, channels: 3 } });
  if (region !== undefined) picture = picture.extract(regionPixels(region, width, height));
  if (shape.channels === 1) picture = picture.greyscale();
  const { data, info } = await picture
    .resize(shape.width, shape.height, { fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const size = shape.width * shape.height;
  const values = new Float32Array(shape.channels * size);
  for (let channel = 0; channel < shape.channels; channel++) {
    for (let pixel = 0; pixel < size; pixel++) {
      values[channel * size + pixel] = data[pixel * info.channels + channel]! / 255;
    }
  }
  return values;
}

/**
 * As {@link prepare}, for a network that answers about several regions at once. Where there are fewer, they are repeated: a black
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
    else values.set(await prepare(frame, shape, regions[i]), i * size);
  }
  return values;
}
