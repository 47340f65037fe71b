import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_WAVES, sizeWaves } from './waves.ts';

describe('the waves of a rollout', () => {
  it.each([
    [DEFAULT_WAVES, 200, [1, 20, 200]],
    [DEFAULT_WAVES, 5, [1, 5]],
    [DEFAULT_WAVES, 1, [1]],
    [['1', '10%'], 40, [1, 4, 40]],
    [['10%'], 15, [2, 15]],
    [['5', '50'], 20, [5, 20]],
    [[], 3, [3]],
  ])('%j of %i gateways are %j', (waves, total, sizes) => {
    expect(sizeWaves(waves, total)).toEqual(sizes);
  });

  it.each([
    [['10%', '5%']],
    [['5', '5']],
    [['5', '3']],
    [['50', '10%']],
    [['10%', '10%']],
    [['0']],
    [['0%']],
    [['101%']],
    [['-1']],
    [['half']],
    [['1.5']],
    [['']],
    [Array.from({ length: 21 }, (_, i) => String(i + 1))],
  ])('%j do not go', (waves) => {
    expect(() => sizeWaves(waves, 100)).toThrow(expect.objectContaining({ code: 'ROLLOUT_WAVES' }));
  });

  it('always grow, and end with all', () => {
    const wave = fc.oneof(
      fc.integer({ min: 1, max: 300 }).map(String),
      fc.integer({ min: 1, max: 100 }).map((share) => `${share}%`),
    );
    fc.assert(
      fc.property(fc.array(wave, { maxLength: 6 }), fc.integer({ min: 1, max: 300 }), (waves, total) => {
        let sizes: number[];
        try {
          sizes = sizeWaves(waves, total);
        } catch {
          return;
        }
        expect(sizes.at(-1)).toBe(total);
        expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b));
        expect(sizes[0]).toBeGreaterThan(0);
      }),
    );
  });
});
