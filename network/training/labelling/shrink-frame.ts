import type { FrameSize } from '../datasets/clip.ts';

/** Longest side of the frames that are looked at, in pixels: finer ones take longer and show no more things. */
const LONGEST_SIDE = 480;

/** How many pixels of a frame, each way, are one of the frame that is looked at. */
export function shrinkFactor({ width, height }: FrameSize): number {
  return Math.ceil(Math.max(width, height) / LONGEST_SIDE);
}

/** Size of a frame after {@link shrinkFrame}: what does not fill a pixel at the right and lower border is left out. */
export function shrunkSize({ width, height }: FrameSize, factor: number): FrameSize {
  return {
    width: Math.max(1, Math.floor(width / factor)),
    height: Math.max(1, Math.floor(height / factor)),
  };
}

/** Means of squares of `factor` × `factor` pixels. @param frame RGB bytes @returns RGB bytes of {@link shrunkSize} */
export function shrinkFrame(frame: Uint8Array, size: FrameSize, factor: number): Uint8Array {
  if (factor === 1) return frame.slice();
  const { width, height } = shrunkSize(size, factor);
  const small = new Uint8Array(width * height * 3);
  const row = new Uint32Array(width * 3);
  for (let y = 0; y < height; y++) {
    row.fill(0);
    for (let line = 0; line < factor; line++) {
      let at = (y * factor + line) * size.width * 3;
      for (let x = 0; x < row.length; x += 3) {
        for (let pixel = 0; pixel < factor; pixel++) {
          row[x]! += frame[at++]!;
          row[x + 1]! += frame[at++]!;
          row[x + 2]! += frame[at++]!;
        }
      }
    }
    for (let x = 0; x < row.length; x++) small[y * row.length + x] = Math.round(row[x]! / factor ** 2);
  }
  return small;
}
