import { describe, expect, it } from 'vitest';
import { encodeCanonical } from './cbor.ts';
import { decodeSelfTest, encodeSelfTest } from './self-test.ts';

describe('the self-test part', () => {
  it('gives the ciphertexts back', () => {
    const inputs = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    expect(decodeSelfTest(encodeSelfTest(inputs)).map((bytes) => [...bytes])).toEqual([[1, 2], [3]]);
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['no ciphertext', encodeCanonical([])],
    ['an empty ciphertext', encodeCanonical([new Uint8Array()])],
    ['text', encodeCanonical(['abc'])],
    ['a map', encodeCanonical({ a: 1 })],
    ['a tail', Uint8Array.of(...encodeSelfTest([Uint8Array.of(1)]), 0)],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeSelfTest(bytes)).toThrow(expect.objectContaining({ code: 'BUNDLE_DAMAGED' }));
  });
});
