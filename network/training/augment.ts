import type { SeededRandom } from '#network/model/random.ts';
import type { PictureFormat } from '#vision/picture-format.ts';

/**
 * Changes of light: picture ← gain · picture^gamma + offset, with a little noise, kept in [0, 1].
 *
 * @returns the gain, which motion shares.
 */
export function varyLight(picture: Float32Array, random: SeededRandom): number {
  const gain = random.uniform(0.8, 1.2);
  const gamma = random.uniform(0.85, 1.18);
  const offset = random.uniform(-0.08, 0.08);
  const noise = random.uniform(0, 0.015);
  for (let i = 0; i < picture.length; i++) {
    const value = gain * picture[i]! ** gamma + offset + noise * random.normal();
    picture[i] = Math.min(1, Math.max(0, value));
  }
  return gain;
}

/** Moves the picture by whole pixels; the border repeats. */
export function shiftPicture(picture: Float32Array, size: PictureFormat, dx: number, dy: number): void {
  const { channels, height, width } = size;
  const source = picture.slice();
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const from = Math.min(height - 1, Math.max(0, y - dy));
      for (let x = 0; x < width; x++) {
        const column = Math.min(width - 1, Math.max(0, x - dx));
        picture[(c * height + y) * width + x] = source[(c * height + from) * width + column]!;
      }
    }
  }
}

/**
 * Draws an upright blob (a head on a body) in a shade that differs from the background, so that a network learns "something stands here"
 * rather than the few people of the clip.
 *
 * @returns whether the blob is large and different enough to count as a person.
 */
export function drawPasserby(picture: Float32Array, size: PictureFormat, random: SeededRandom): boolean {
  const { channels, height, width } = size;
  const bodyWidth = random.uniform(0.06, 0.16) * width;
  const centre = random.uniform(0.02, 0.98) * width;
  const top = random.uniform(-0.05, 0.85) * height;
  const bottom = top + random.uniform(0.5, 1) * height;
  const shades = [0, 1, 2].map(() => [
    random.uniform(0, 0.75),
    random.uniform(0, 0.75),
    random.uniform(0, 0.75),
  ]);
  const split = [top + 0.22 * (bottom - top), top + random.uniform(0.5, 0.7) * (bottom - top)];
  let changed = 0;
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(height, Math.ceil(bottom)); y++) {
    const part = y < split[0]! ? 0 : y < split[1]! ? 1 : 2;
    const half = (part === 0 ? 0.28 : 0.5) * bodyWidth;
    for (
      let x = Math.max(0, Math.ceil(centre - half));
      x <= Math.min(width - 1, Math.floor(centre + half));
      x++
    ) {
      let difference = 0;
      for (let c = 0; c < channels; c++) {
        const at = (c * height + y) * width + x;
        const shade = shades[part]![c]! + random.uniform(-0.04, 0.04);
        difference += Math.abs(picture[at]! - shade);
        picture[at] = Math.min(1, Math.max(0, shade));
      }
      if (difference / channels > 0.12) changed++;
    }
  }
  return changed >= 0.008 * height * width;
}

/** Swaps left and right. */
export function mirrorPicture(picture: Float32Array, { channels, height, width }: PictureFormat): void {
  for (let row = 0; row < channels * height; row++) {
    picture.subarray(row * width, (row + 1) * width).reverse();
  }
}
