import type { FrameSize } from '../datasets/clip.ts';
import type { PictureBox } from '../datasets/paste-people.ts';

/** Boxes of what hangs together, corners included, with the number of its pixels. */
export function components(
  mask: Uint8Array,
  { width, height }: FrameSize,
): (PictureBox & { readonly pixels: number })[] {
  const left = mask.slice();
  const stack: number[] = [];
  const take = (at: number): void => {
    if (left[at] !== 1) return;
    left[at] = 0;
    stack.push(at);
  };
  const boxes: (PictureBox & { pixels: number })[] = [];
  for (let start = 0; start < left.length; start++) {
    if (left[start] !== 1) continue;
    take(start);
    let [minX, maxX, minY, maxY, pixels] = [width, 0, height, 0, 0];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const x = at % width;
      const y = (at - x) / width;
      pixels++;
      minX = Math.min(minX, x);
      maxX = Math.max(maxX, x);
      minY = Math.min(minY, y);
      maxY = Math.max(maxY, y);
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) take(v * width + u);
    }
    boxes.push({ x: minX, y: minY, width: maxX - minX + 1, height: maxY - minY + 1, pixels });
  }
  return boxes;
}
