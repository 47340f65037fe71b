import { describe, expect, it } from 'vitest';
import { testRandom } from '../testing/parameters.ts';
import { packBits, packedBytes, residueBits, unpackBits } from './bit-packing.ts';

/** The definition, bit by bit. */
function packTwin(values: Uint32Array, bits: number): Uint8Array {
  const bytes = new Uint8Array((values.length * bits) / 8);
  values.forEach((value, i) => {
    for (let bit = 0; bit < bits; bit++) {
      const at = i * bits + bit;
      if (Math.floor(value / 2 ** bit) % 2 === 1) bytes[at >> 3]! |= 1 << (at & 7);
    }
  });
  return bytes;
}

describe('bit packing', () => {
  it.each(Array.from({ length: 31 }, (_, i) => i + 1))('%i bits: as defined, and back', (bits) => {
    const next = testRandom(bits);
    const top = 2 ** bits - 1;
    for (const kind of ['random', 'top', 'zero'] as const) {
      const values = Uint32Array.from({ length: 96 }, (_, i) => {
        if (kind === 'random') return i % 7 === 0 ? top : Math.floor(next() * 2 ** bits);
        return kind === 'top' ? top : 0;
      });
      const words = new Uint32Array(packedBytes(values.length, bits) / 4);
      packBits(values, bits, words);
      expect(Buffer.compare(Buffer.from(words.buffer), packTwin(values, bits))).toBe(0);
      const back = new Uint32Array(values.length);
      expect(unpackBits(words, bits, back)).toBe(kind === 'zero' ? 0 : top);
      expect(back).toEqual(values);
    }
  });

  it('takes as many bits as the largest residue', () => {
    expect([2, 3, 4, 5, 2 ** 24, 2 ** 24 + 1, 2 ** 30 - 1].map(residueBits)).toEqual([
      1, 2, 2, 3, 24, 25, 30,
    ]);
  });
});
