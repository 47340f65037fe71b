import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { drawPasserby, shiftPicture, varyLight } from './augment.ts';

const size = { channels: 1, height: 3, width: 4 };

describe('Augment', () => {
  it('shifts and repeats the border', () => {
    const picture = Float32Array.from({ length: 12 }, (_, i) => i);
    shiftPicture(picture, size, 1, 0);
    expect([...picture]).toEqual([0, 0, 1, 2, 4, 4, 5, 6, 8, 8, 9, 10]);
    shiftPicture(picture, size, 0, -1);
    expect([...picture]).toEqual([4, 4, 5, 6, 8, 8, 9, 10, 8, 8, 9, 10]);
  });

  it('keeps light within [0, 1] and varies it', () => {
    const random = new SeededRandom(1);
    const means = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const picture = Float32Array.from({ length: 100 }, (_, p) => p / 99);
      varyLight(picture, random);
      expect(Math.min(...picture)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...picture)).toBeLessThanOrEqual(1);
      means.add(picture[50]!);
    }
    expect(means.size).toBe(50);
  });

  it('says truthfully whether a passer-by is to be seen', () => {
    const random = new SeededRandom(2);
    const shape = { channels: 1, height: 27, width: 48 };
    const seen = { true: 0, false: 0 };
    for (let i = 0; i < 300; i++) {
      const picture = new Float32Array(27 * 48).fill(0.5);
      const visible = drawPasserby(picture, shape, random);
      const changed = picture.filter((value) => Math.abs(value - 0.5) > 0.12).length;
      expect(visible).toBe(changed >= 0.008 * 27 * 48);
      seen[`${visible}`]++;
    }
    expect(seen.true).toBeGreaterThan(100);
  });
});
