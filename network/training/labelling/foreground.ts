import type { FrameSize } from '../datasets/clip.ts';
import { dilate, erode } from './morphology.ts';
import type { Scene } from './scene.ts';

/** How what moves is told from the scene. */
export type ForegroundOptions = {
  /** Least difference to the scene, of 255, beyond what varies by itself. */
  readonly threshold: number;
  /** Width of gaps that are closed, in pixels: a thing of several colors stays one. */
  readonly closing: number;
};

/** Darker pixels say little about the light. */
const DARK = 16;
/** Every so many pixels the light is measured. */
const LIGHT_STEP = 11;
/** How many deviations of a pixel are no difference yet. */
const SPREADS = 2;

/** A shadow takes from all colors alike, and leaves some of them. */
const SHADOW = { darkest: 0.45, tint: 0.12 } as const;

/**
 * How much brighter a frame is than the scene, for each color: the median of the quotients, which things do not move as long as they fill
 * less than half. Cameras darken everything when something white drives by.
 */
function lightOf(frame: Uint8Array, { colors }: Scene): readonly number[] {
  return [0, 1, 2].map((channel) => {
    const quotients = new Float64Array(Math.ceil(colors.length / (3 * LIGHT_STEP)));
    let count = 0;
    for (let i = channel; i < colors.length; i += 3 * LIGHT_STEP)
      if (colors[i]! >= DARK) quotients[count++] = frame[i]! / colors[i]!;
    if (count === 0) return 1;
    return Math.max(0.1, quotients.subarray(0, count).sort()[count >> 1]!);
  });
}

/** Pixels that differ from the scene, small gaps closed, single ones left out. @returns 1 for each such pixel, otherwise 0 */
export function foregroundOf(
  frame: Uint8Array,
  scene: Scene,
  size: FrameSize,
  { threshold, closing }: ForegroundOptions,
): Uint8Array {
  const light = lightOf(frame, scene);
  const mask = new Uint8Array(size.width * size.height);
  for (let pixel = 0; pixel < mask.length; pixel++) {
    let differs = false;
    let [darkest, brightest] = [Number.POSITIVE_INFINITY, 0];
    for (let channel = 0; channel < 3; channel++) {
      const i = pixel * 3 + channel;
      const color = scene.colors[i]!;
      // What is white already gets no whiter.
      const value = Math.min(255, frame[i]! / light[channel]!);
      if (Math.abs(value - color) >= threshold + SPREADS * scene.spread[i]!) differs = true;
      const quotient = value / Math.max(1, color);
      darkest = Math.min(darkest, quotient);
      brightest = Math.max(brightest, quotient);
    }
    const shadow = darkest >= SHADOW.darkest && brightest < 1 && brightest - darkest <= SHADOW.tint;
    if (differs && !shadow) mask[pixel] = 1;
  }
  const opened = dilate(erode(mask, size, 1), size, 1);
  const radius = Math.round(closing / 2);
  return erode(dilate(opened, size, radius), size, radius);
}
