import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { drawLamp, drawOutlier } from './outliers.ts';

const size = { channels: 1, height: 12, width: 16 };
const drawn = (seed: number): Float32Array[] => {
  const random = new SeededRandom(seed);
  return Array.from({ length: 200 }, () => {
    const picture = new Float32Array(192).fill(0.5);
    drawOutlier(picture, size, random);
    return picture;
  });
};

describe('Outliers', () => {
  it('are pictures, the same for the same seed, and not flat', () => {
    const pictures = drawn(3);
    expect(drawn(3)).toEqual(pictures);
    expect(drawn(4)).not.toEqual(pictures);
    expect(pictures.every((picture) => picture.every((value) => value >= 0 && value <= 1))).toBe(true);
    const contrasts = pictures.map((picture) => Math.max(...picture) - Math.min(...picture));
    expect(contrasts.filter((contrast) => contrast > 0.15).length).toBeGreaterThan(180);
  });

  it('leaves the picture beside a lamp as it is, and makes nothing darker', () => {
    const picture = new Float32Array(192).fill(0.2);
    drawLamp(picture, size, new SeededRandom(9));
    expect(picture.every((value) => value >= Math.fround(0.2) && value <= 1)).toBe(true);
    expect(Math.max(...picture)).toBeGreaterThan(0.4);
    expect(Math.min(...picture)).toBeLessThan(0.3);
  });
});
