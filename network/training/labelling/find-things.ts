import type { FrameSize } from '../datasets/clip.ts';
import type { PictureBox } from '../datasets/paste-people.ts';
import { components } from './components.ts';
import { foregroundOf } from './foreground.ts';
import type { Scene } from './scene.ts';

/** What is taken for a thing; lengths in pixels of the frame that is looked at. */
export type ThingOptions = {
  /** Least difference to the scene, of 255. */
  readonly threshold: number;
  /** Least side of a square as large as the box: √(width × height). */
  readonly minSize: number;
};

/** Least share of a box that differs from the scene. */
const LEAST_FILL = 0.15;
/** Gaps of a thing that are closed, as a share of the smallest thing's side. */
const CLOSING = 1 / 3;

/** Boxes of what differs from the scene in one frame. */
export function findThings(
  frame: Uint8Array,
  scene: Scene,
  size: FrameSize,
  { threshold, minSize }: ThingOptions,
): PictureBox[] {
  const mask = foregroundOf(frame, scene, size, { threshold, closing: Math.max(2, minSize * CLOSING) });
  return components(mask, size)
    .filter(({ width, height, pixels }) => {
      const area = width * height;
      return area >= minSize ** 2 && pixels >= LEAST_FILL * area;
    })
    .map(({ x, y, width, height }) => ({ x, y, width, height }));
}
