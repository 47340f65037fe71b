import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalizeLight } from './normalize-light.ts';
import { isPrepared, pictureInputs } from './picture-input.ts';

const dark = Uint8Array.from({ length: 12 }, (_, i) => 3 * i);
const bright = Uint8Array.from({ length: 12 }, (_, i) => 100 + 9 * i);
const both = Uint8Array.of(...dark, ...bright);
const format = { channels: 3, height: 2, width: 2 };
const normalized = { ...format, light: 'normalize' } as const;

describe('pictureInputs', () => {
  it('normalizes the light of each picture by itself', () => {
    expect(pictureInputs(both, format, 2)).toEqual(Float32Array.from(both, (byte) => byte / 255));
    expect(pictureInputs(both, normalized, 2)).toEqual(
      Float32Array.of(...normalizeLight(dark), ...normalizeLight(bright)),
    );
    // Together they would be another scene.
    expect(pictureInputs(both, normalized, 2)).not.toEqual(normalizeLight(both));
  });

  it('shows motion in proportion to the light, which motion is no part of', () => {
    const moving = { channels: 2, height: 2, width: 6, motion: { seconds: 5 } } as const;
    const motion = Uint8Array.of(0, 0, 9, 27, 255, 0, 0, 0, 0, 0, 0, 1);
    const bytes = Uint8Array.of(...dark, ...motion);
    expect(pictureInputs(bytes, moving, 1)).toEqual(Float32Array.from(bytes, (byte) => byte / 255));
    const values = pictureInputs(bytes, { ...moving, light: 'normalize' }, 1);
    expect(values.subarray(0, 12)).toEqual(normalizeLight(dark));
    // A difference of 9 steps is as much in motion as between two pixels.
    expect(values[14]).toBeCloseTo(values[3]! - values[0]!, 6);
    expect([values[12], values[16]]).toEqual([0, 1]);
  });

  it('takes exactly as many bytes as the network does', () => {
    for (const count of [1, 3]) expect(() => pictureInputs(both, format, count)).toThrow(RangeError);
    expect(() => pictureInputs(dark.subarray(1), format, 1)).toThrow('11 bytes: expected 1 × 3 × 2 × 2');
  });
});

describe('isPrepared', () => {
  it('knows the pictures that fill what is left over', () => {
    const one = { channels: 1, height: 1, width: 2 };
    expect(isPrepared(Uint8Array.of(1, 2, 3, 4, 1, 2, 3, 4, 1, 2), one, 5, 2)).toBe(true);
    expect(isPrepared(Uint8Array.of(1, 2, 3, 4, 1, 2, 3, 4, 0, 0), one, 5, 2)).toBe(false);
    expect(isPrepared(Uint8Array.of(1, 2, 3, 4, 3, 4, 1, 2), one, 4, 2)).toBe(false);
    expect(isPrepared(Uint8Array.of(1, 2, 3, 4), one, 2, 2)).toBe(true);
    expect(isPrepared(Uint8Array.of(1, 2, 3, 4), one, 2, 1)).toBe(false);
    for (const given of [0, 3]) expect(isPrepared(Uint8Array.of(1, 2, 1, 2), one, 2, given)).toBe(false);
    expect(isPrepared(Uint8Array.of(1, 2, 1), one, 2, 1)).toBe(false);
  });

  it('takes what repeats and refuses any single change of it', () => {
    const drawn = fc.record({
      size: fc.integer({ min: 1, max: 6 }),
      given: fc.integer({ min: 1, max: 4 }),
      more: fc.integer({ min: 1, max: 5 }),
      seed: fc.integer({ min: 0, max: 2 ** 20 }),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(drawn, ({ size, given, more, seed, at }) => {
        const one = { channels: 1, height: 1, width: size };
        const count = given + more;
        const bytes = Uint8Array.from(
          { length: count * size },
          (_, i) => Math.imul((i % (given * size)) + seed, 2_654_435_761) >>> 24,
        );
        expect(isPrepared(bytes, one, count, given)).toBe(true);
        bytes[given * size + (at % (more * size))]! ^= 1;
        expect(isPrepared(bytes, one, count, given)).toBe(false);
      }),
    );
  });
});
