import sharp from 'sharp';
import { greyPixels } from './grey-pixels.ts';
import { type PictureFormat, shownChannels } from './picture-format.ts';
import { pictureInput } from './picture-input.ts';

/** A part of a picture in fractions of it, origin top left. */
export type Rectangle = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

/** A raw frame, 8-bit RGB, rows from the top. */
export type RawFrame = { readonly data: Uint8Array; readonly width: number; readonly height: number };

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
 * Turns a frame into the input of a network without motion, the same in training and on a gateway: {@link prepareBytes}, then {@link pictureInput}.
 *
 * @returns channels × height × width values in [0, 1], channel first, rows from the top
 */
export async function preparePicture(
  frame: RawFrame,
  format: PictureFormat,
  region?: Rectangle,
): Promise<Float32Array<ArrayBuffer>> {
  return pictureInput(await prepareBytes(frame, format, region), format);
}

/**
 * Cuts the region of interest out of a frame, shrinks it to the network's size (Lanczos), and makes it grey where the network wants no colours.
 *
 * @returns bytes of the channels that a frame shows (motion, which `RegionView` adds, is none), channel first, rows from the top
 */
export async function prepareBytes(
  frame: RawFrame,
  format: PictureFormat,
  region?: Rectangle,
): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = frame;
  let picture = sharp(frame.data, { raw: { width, height, channels: 3 } });
  if (region !== undefined) picture = picture.extract(regionPixels(region, width, height));
  const data = await picture
    .resize(format.width, format.height, { fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer();
  const channels = shownChannels(format);
  if (channels === 1) return greyPixels(data);
  const size = format.width * format.height;
  const bytes = new Uint8Array(channels * size);
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < size; pixel++) {
      bytes[channel * size + pixel] = data[3 * pixel + channel]!;
    }
  }
  return bytes;
}
