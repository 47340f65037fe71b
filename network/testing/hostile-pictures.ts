import type { PictureFormat } from '#vision/picture-format.ts';
import { SeededRandom } from '../model/random.ts';

/** A picture that a network was never trained on, as byte / 255. */
export type HostilePicture = { readonly name: string; readonly picture: Float32Array };

/** Number of pictures of each kind that differ only by chance. */
const DRAWS = 8;

/**
 * What a camera shows by accident or malice, at full contrast: halves of white, stripes, checkerboards, noise, a lamp, nothing at all.
 * Drawn by other code than training's outliers.
 */
export function hostilePictures({ channels, height, width }: PictureFormat): HostilePicture[] {
  const random = new SeededRandom(77);
  const found: HostilePicture[] = [];
  const add = (name: string, shade: (x: number, y: number) => number): void => {
    const plane = Array.from({ length: height * width }, (_, i) =>
      Math.min(1, Math.max(0, shade(i % width, Math.floor(i / width)))),
    );
    found.push({ name, picture: Float32Array.from(Array.from({ length: channels }, () => plane).flat()) });
  };
  add('black', () => 0);
  add('gray', () => 0.5);
  add('white', () => 1);
  add('left half white', (x) => (2 * x < width ? 1 : 0));
  add('right half white', (x) => (2 * x < width ? 0 : 1));
  add('upper half white', (_, y) => (2 * y < height ? 1 : 0));
  add('lower half white', (_, y) => (2 * y < height ? 0 : 1));
  for (const size of [1, 2, 3, 4, 6, 8]) {
    add(`columns of ${size}`, (x) => Math.floor(x / size) % 2);
    add(`rows of ${size}`, (_, y) => Math.floor(y / size) % 2);
    add(`slanting stripes of ${size}`, (x, y) => Math.floor((x + y) / size) % 2);
    add(`checkerboard of ${size}`, (x, y) => (Math.floor(x / size) + Math.floor(y / size)) % 2);
  }
  for (let draw = 0; draw < DRAWS; draw++) {
    add(`uniform noise ${draw}`, () => random.uniform());
    add(`black and white noise ${draw}`, () => random.below(2));
    add(`faint noise ${draw}`, () => 0.5 + 0.05 * random.normal());
    const [x0, y0] = [random.uniform(0, width), random.uniform(0, height)];
    add(
      `lamp in the dark ${draw}`,
      (x, y) => 1.5 * Math.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (0.02 * width * width)),
    );
  }
  return found;
}
