import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalizeLight } from './normalize-light.ts';

const picture = fc.uint8Array({ minLength: 2, maxLength: 400 });

describe('normalizeLight', () => {
  it('keeps to [0, 1], whatever the picture', () => {
    fc.assert(
      fc.property(picture, (bytes) =>
        normalizeLight(bytes).every((value) => value >= 0 && value <= 1 && !Number.isNaN(value)),
      ),
    );
  });

  it('gives the same for a picture that is brighter, or has half or twice the contrast', () => {
    const scene = Uint8Array.from({ length: 300 }, (_, i) => 60 + ((i * 37) % 60));
    const wanted = [...normalizeLight(scene)];
    for (const change of [
      (byte: number) => byte + 90,
      (byte: number) => 2 * byte - 100,
      (byte: number) => 40 + byte / 2,
    ]) {
      const changed = normalizeLight(Uint8Array.from(scene, change));
      // Half the contrast rounds to bytes.
      changed.forEach((value, i) => {
        expect(value).toBeCloseTo(wanted[i]!, 1);
      });
    }
  });

  it('does not make a scene of noise in the dark', () => {
    const dark = Uint8Array.from({ length: 300 }, (_, i) => 10 + ((i * 7919) % 3));
    expect(Math.max(...normalizeLight(dark).map((value) => Math.abs(value - 0.5)))).toBeLessThan(0.05);
    expect([...normalizeLight(new Uint8Array(9).fill(200))]).toEqual(new Array(9).fill(0.5));
  });

  it('computes the same bits on every machine', () => {
    const bytes = Uint8Array.from({ length: 1296 }, (_, i) => Math.imul(i + 1, 2_654_435_761) >>> 24);
    const values = normalizeLight(bytes);
    const words = Buffer.alloc(4 * values.length);
    for (const [i, value] of values.entries()) words.writeFloatLE(value, 4 * i);
    expect(createHash('sha256').update(words).digest('hex')).toBe(
      '1f489806c82c1370f0803be75bfd9c4ed0d9b339a7f06f23aeea2a3d7841f584',
    );
  });
});
