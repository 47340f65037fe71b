import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { warpPicture } from './warp.ts';

const size = { channels: 1, height: 9, width: 9 };
const centre = 4 * 9 + 4;

describe('Warp', () => {
  it('leaves a picture alone without limits', () => {
    const picture = Float32Array.from({ length: 81 }, (_, i) => i / 81);
    const before = picture.slice();
    warpPicture(picture, size, new SeededRandom(1), {});
    expect(picture).toEqual(before);
  });

  it('keeps the mass of a spot in the middle, and moves it by no more than the limit', () => {
    const random = new SeededRandom(2);
    const places = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const picture = new Float32Array(81);
      picture[centre] = 1;
      warpPicture(picture, size, random, { shift: 2 });
      let mass = 0;
      let x = 0;
      let y = 0;
      picture.forEach((value, at) => {
        mass += value;
        x += value * ((at % 9) - 4);
        y += value * (Math.floor(at / 9) - 4);
      });
      expect(mass).toBeCloseTo(1, 5);
      expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThanOrEqual(2);
      places.add(`${x.toFixed(2)},${y.toFixed(2)}`);
    }
    expect(places.size).toBeGreaterThan(45);
  });

  it('turns about the centre', () => {
    const picture = new Float32Array(81);
    picture[4 * 9 + 8] = 1;
    const middle = new Float32Array(81);
    middle[centre] = 1;
    const random = new SeededRandom(3);
    warpPicture(middle, size, random, { rotate: 90 });
    expect(middle[centre]).toBeCloseTo(1, 5);
    warpPicture(picture, size, new SeededRandom(4), { rotate: 60 });
    expect(picture[4 * 9 + 8]).toBeLessThan(0.9);
  });

  it('brings in black, or repeats the border', () => {
    const run = (border: 'black' | 'repeat'): number => {
      const picture = new Float32Array(81).fill(0.5);
      warpPicture(picture, size, new SeededRandom(5), { shift: 3, rotate: 20 }, border);
      return Math.min(...picture);
    };
    expect(run('black')).toBe(0);
    expect(run('repeat')).toBeCloseTo(0.5, 5);
  });
});
