import { describe, expect, it } from 'vitest';
import { components } from './components.ts';
import { findThings } from './find-things.ts';
import { dilate, erode } from './morphology.ts';
import { SceneSamples } from './scene.ts';
import { shrinkFrame, shrunkSize } from './shrink-frame.ts';

const size = { width: 60, height: 40 };
const OPTIONS = { threshold: 30, minSize: 6 };

type Paint = { x: number; y: number; width: number; height: number; color: readonly number[] };

/** A frame of grey asphalt with some grain, in some light, with rectangles painted on it. */
function frameOf(seed: number, light: number, paints: readonly Paint[]): Uint8Array {
  const frame = new Uint8Array(size.width * size.height * 3);
  for (let i = 0; i < frame.length; i++) {
    const pixel = Math.floor(i / 3);
    const [x, y] = [pixel % size.width, Math.floor(pixel / size.width)];
    const paint = paints.findLast(
      (one) => x >= one.x && x < one.x + one.width && y >= one.y && y < one.y + one.height,
    );
    const grain = ((pixel * 7 + seed * 13) % 9) - 4;
    frame[i] = Math.min(255, light * (paint?.color[i % 3] ?? 100) + grain);
  }
  return frame;
}

const mask = (...rows: string[]) => ({
  size: { width: rows[0]!.length, height: rows.length },
  pixels: Uint8Array.from(rows.join(''), (sign) => +(sign === '#')),
});
const rowsOf = (pixels: Uint8Array, width: number) =>
  [...pixels]
    .map((value) => (value ? '#' : '.'))
    .join('')
    .match(new RegExp(`.{${width}}`, 'g'));

function sceneOf(paints: (n: number) => readonly Paint[]) {
  const samples = new SceneSamples();
  for (let n = 0; n < 300; n++) samples.add(() => frameOf(n, 1, paints(n)));
  return samples.scene();
}

describe('FindThings', () => {
  const parked: Paint = { x: 2, y: 2, width: 10, height: 8, color: [0, 0, 255] };
  const passing = (n: number): Paint => ({
    x: (n * 3) % 60,
    y: 20,
    width: 8,
    height: 10,
    color: [250, 250, 250],
  });
  const scene = sceneOf((n) => [parked, passing(n)]);

  it('takes what passes out of the scene and leaves in it what is parked', () => {
    const empty = sceneOf(() => [parked]);
    expect(scene.colors.every((color, i) => Math.abs(color - empty.colors[i]!) <= 4)).toBe(true);
    expect(findThings(frameOf(1, 1, [parked]), scene, size, OPTIONS)).toEqual([]);
  });

  it('finds things, also those of two colors and those at the border', () => {
    const car: Paint = { x: 20, y: 15, width: 12, height: 20, color: [200, 20, 20] };
    const glass: Paint = { x: 20, y: 22, width: 12, height: 2, color: [100, 100, 100] };
    const leaving: Paint = { x: 52, y: 30, width: 8, height: 10, color: [255, 255, 255] };
    expect(findThings(frameOf(5, 1, [parked, car, glass, leaving]), scene, size, OPTIONS)).toEqual([
      { x: 20, y: 15, width: 12, height: 20 },
      { x: 52, y: 30, width: 8, height: 10 },
    ]);
  });

  it('follows the light of the camera, and takes neither shadows nor specks for things', () => {
    const car: Paint = { x: 20, y: 15, width: 12, height: 20, color: [200, 20, 20] };
    const shadow: Paint = { x: 32, y: 15, width: 10, height: 20, color: [60, 60, 60] };
    const speck: Paint = { x: 50, y: 5, width: 5, height: 5, color: [255, 0, 0] };
    for (const light of [0.6, 1, 1.3])
      expect(findThings(frameOf(9, light, [parked, car, shadow, speck]), scene, size, OPTIONS)).toEqual([
        { x: 20, y: 15, width: 12, height: 20 },
      ]);
  });

  it('grows and shrinks what is set, and lets the border take nothing away', () => {
    const { size: extent, pixels } = mask('##....', '##....', '....#.', '......');
    expect(rowsOf(dilate(pixels, extent, 1), 6)).toEqual(['###...', '######', '######', '...###']);
    expect(rowsOf(erode(dilate(pixels, extent, 1), extent, 1), 6)).toEqual([
      '##....',
      '##....',
      '....##',
      '....##',
    ]);
    expect(erode(pixels, extent, 0)).toEqual(pixels);
  });

  it('boxes what hangs together, corners included', () => {
    const { size: extent, pixels } = mask('#..#', '.#.#', '...#', '##..');
    expect(components(pixels, extent)).toEqual([
      { x: 0, y: 0, width: 2, height: 2, pixels: 2 },
      { x: 3, y: 0, width: 1, height: 3, pixels: 3 },
      { x: 0, y: 3, width: 2, height: 1, pixels: 2 },
    ]);
  });

  it('shrinks by means, and leaves out what fills no pixel', () => {
    const frame = Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => (Math.floor(i / 3) % 5) * 10 + (i % 3));
    expect(shrunkSize({ width: 5, height: 4 }, 2)).toEqual({ width: 2, height: 2 });
    expect([...shrinkFrame(frame, { width: 5, height: 4 }, 2)]).toEqual([
      5, 6, 7, 25, 26, 27, 5, 6, 7, 25, 26, 27,
    ]);
  });
});
