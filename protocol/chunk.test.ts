import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, type Chunk, decodeChunk, encodeChunk } from './chunk.ts';
import { BlindsightError } from './errors.ts';

const sample: Chunk = {
  bundle: 'ab'.repeat(32),
  part: 'constants',
  number: 12,
  data: new Uint8Array([1, 2, 3, 4]),
};

/** The chunk, or null if the bytes are refused in the one allowed way. */
function decoded(bytes: Uint8Array): Chunk | null {
  try {
    return decodeChunk(bytes);
  } catch (error) {
    if (error instanceof BlindsightError && error.code === 'CHUNK_INVALID') return null;
    throw error;
  }
}

describe('chunk', () => {
  it('comes back as it went, up to the full size', () => {
    expect(decodeChunk(encodeChunk(sample))).toEqual(sample);
    const full = { ...sample, data: new Uint8Array(CHUNK_BYTES).fill(7) };
    expect(decodeChunk(encodeChunk(full))).toEqual(full);
  });

  it('refuses more data than a chunk has, and none', () => {
    expect(() => encodeChunk({ ...sample, data: new Uint8Array(CHUNK_BYTES + 1) })).toThrow('bytes of data');
    expect(() => encodeChunk({ ...sample, data: new Uint8Array() })).toThrow('bytes of data');
    expect(() => decodeChunk(new Uint8Array(2 * CHUNK_BYTES))).toThrow(BlindsightError);
  });

  it('never takes changed bytes for the same chunk, and throws nothing but CHUNK_INVALID', () => {
    const bytes = encodeChunk(sample);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
      expect(decoded(changed)).not.toEqual(sample);
    }
    for (let length = 0; length < bytes.length; length++) expect(decoded(bytes.slice(0, length))).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (tail) => decoded(Buffer.concat([bytes, tail])) === null),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => decoded(noise) === null),
      { numRuns: 1000 },
    );
  });
});
