import { lightOf, normalizeLight } from './normalize-light.ts';
import { type PictureFormat, shownChannels } from './picture-format.ts';

/**
 * What a network sees of a picture of its size: byte / 255 or, where the network asks for it, light normalized, and motion in proportion to
 * it. The same bits on every machine.
 *
 * @param bytes of one prepared picture, whole numbers from 0 to 255
 * @returns as many values in [0, 1]
 */
export function pictureInput(
  bytes: Uint8Array | Uint8ClampedArray,
  format: Pick<PictureFormat, 'channels' | 'light' | 'motion'>,
): Float32Array<ArrayBuffer> {
  if (format.light !== 'normalize') return Float32Array.from(bytes, (byte) => byte / 255);
  const shown = bytes.subarray(0, (bytes.length / format.channels) * shownChannels(format));
  const light = lightOf(shown);
  const values = new Float32Array(bytes.length);
  values.set(normalizeLight(shown, light));
  for (let i = shown.length; i < bytes.length; i++) values[i] = Math.min(1, bytes[i]! / light.width);
  return values;
}

/**
 * What a network sees that answers about several pictures at once: {@link pictureInput} of each by itself, one after the other. A gateway runs its
 * network on this, and an auditor does again.
 *
 * @param bytes of `count` prepared pictures: count × channels × height × width
 * @throws RangeError for any other number of bytes
 */
export function pictureInputs(
  bytes: Uint8Array,
  format: PictureFormat,
  count: number,
): Float32Array<ArrayBuffer> {
  const size = checkSize(bytes, format, count);
  const values = new Float32Array(bytes.length);
  for (let at = 0; at < bytes.length; at += size)
    values.set(pictureInput(bytes.subarray(at, at + size), format), at);
  return values;
}

/**
 * Whether preparation could have made these pictures: as many bytes as the network takes, and the first pictures again where it takes more than
 * there are. Of what a byte says nothing is excluded: every picture of this size is one that a camera could show.
 *
 * @param bytes of `count` prepared pictures
 * @param count pictures that the network takes
 * @param given pictures among them that the answer is about: the regions that its envelope names, or 1
 */
export function isPrepared(bytes: Uint8Array, format: PictureFormat, count: number, given: number): boolean {
  const size = format.channels * format.height * format.width;
  if (bytes.length !== count * size || given < 1 || given > count) return false;
  return bytes.subarray(given * size).every((byte, i) => byte === bytes[i]);
}

function checkSize(bytes: Uint8Array, { channels, height, width }: PictureFormat, count: number): number {
  const size = channels * height * width;
  if (bytes.length === count * size) return size;
  throw new RangeError(`${bytes.length} bytes: expected ${count} × ${channels} × ${height} × ${width}`);
}
