import { decode, encode } from 'cborg';

/**
 * The bytes that a value has in deterministic CBOR (RFC 8949, 4.2): shortest forms, sorted keys, definite lengths.
 */
export function encodeCanonical(value: unknown): Uint8Array {
  return encode(value);
}

/**
 * Decodes one value and accepts only the bytes that {@link encodeCanonical} produces, so that a value has exactly one wire form.
 * @throws Error (of any kind) on anything else; callers turn it into their own code.
 */
export function decodeCanonical(bytes: Uint8Array): unknown {
  const value: unknown = decode(bytes, {
    strict: true,
    allowIndefinite: false,
    allowUndefined: false,
    allowInfinity: false,
    allowNaN: false,
    allowBigInt: false,
    rejectDuplicateMapKeys: true,
  });
  // The decoder by itself accepts any key order and float width.
  if (!sameBytes(encode(value), bytes)) throw new Error('not in canonical form');
  // Schemas leave such a key out without a word: what is signed would be more than what is read.
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(PROTOTYPE) && hasPrototypeKey(value))
    throw new Error(`a key is ${PROTOTYPE}`);
  return value;
}

const PROTOTYPE = '__proto__';

function hasPrototypeKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  return Object.hasOwn(value, PROTOTYPE) || Object.values(value).some(hasPrototypeKey);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
