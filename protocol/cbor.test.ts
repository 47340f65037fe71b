import { expect, it } from 'vitest';
import { decodeCanonical, encodeCanonical } from './cbor.ts';

it('refuses a key that schemas leave out without a word, at any depth, and takes it as a text', () => {
  const named = JSON.parse('{"a":[{"__proto__":1}]}');
  expect(() => decodeCanonical(encodeCanonical(named))).toThrow('a key is __proto__');
  for (const value of [['__proto__'], { a: '__proto__' }, new TextEncoder().encode('__proto__')])
    expect(decodeCanonical(encodeCanonical(value))).toEqual(value);
});
