import type { FrameSize } from '../datasets/clip.ts';

/** Sums over windows of 2 · radius + 1 along the rows, compared with `least`; transposed, so that doing it twice goes both ways. */
function along(mask: Uint8Array, width: number, height: number, radius: number, all: boolean): Uint8Array {
  const result = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let sum = 0;
    for (let x = 0; x < Math.min(radius, width); x++) sum += mask[row + x]!;
    for (let x = 0; x < width; x++) {
      if (x + radius < width) sum += mask[row + x + radius]!;
      if (x - radius - 1 >= 0) sum -= mask[row + x - radius - 1]!;
      // What lies outside of the picture neither takes from a thing nor adds to it.
      const inside = Math.min(x + radius, width - 1) - Math.max(x - radius, 0) + 1;
      result[x * height + y] = all ? +(sum === inside) : +(sum > 0);
    }
  }
  return result;
}

/** Pixels with a set one in the square of 2 · radius + 1 around them. */
export function dilate(mask: Uint8Array, { width, height }: FrameSize, radius: number): Uint8Array {
  return along(along(mask, width, height, radius, false), height, width, radius, false);
}

/** Pixels with only set ones in the square of 2 · radius + 1 around them. */
export function erode(mask: Uint8Array, { width, height }: FrameSize, radius: number): Uint8Array {
  return along(along(mask, width, height, radius, true), height, width, radius, true);
}
