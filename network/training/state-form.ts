import { createHash } from 'node:crypto';

const DIGEST_BYTES = 32;

type Numbers = Float32Array | Float64Array | Uint32Array;

/** Hexadecimal SHA-256 of the parts, one after the other. */
export function digestOf(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** The bytes of an array of numbers, as they are in memory. */
export function bytesOf({ buffer, byteOffset, byteLength }: Numbers): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * State of a training, in parts to be written one after the other: a line that says what it is, the length of a JSON head (4 bytes, little-endian), the head,
 * the arrays (little-endian, as on every machine that Node runs on), and the SHA-256 of all that.
 */
export function encodeState(magic: string, head: unknown, arrays: Iterable<Numbers>): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(head));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  const parts = [Buffer.from(magic), size, text, ...[...arrays].map(bytesOf)];
  return [...parts, Buffer.from(digestOf(...parts), 'hex')];
}

/** @returns the head and the bytes of the arrays, or what is wrong: it begins with another line, or is not as it was written */
export function decodeState(
  magic: string,
  state: Uint8Array,
): { readonly head: unknown; readonly arrays: Uint8Array } | 'foreign' | 'damaged' {
  const bytes = Buffer.from(state.buffer, state.byteOffset, state.byteLength);
  const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES));
  if (bytes.toString('latin1', 0, magic.length) !== magic) return 'foreign';
  if (digestOf(body) !== bytes.toString('hex', body.length)) return 'damaged';
  const start = magic.length + 4;
  const end = start + body.readUInt32LE(magic.length);
  return { head: JSON.parse(body.toString('utf8', start, end)), arrays: body.subarray(end) };
}

/** Fills arrays from the bytes behind one another. */
export function fillArrays(arrays: Iterable<Numbers>, bytes: Uint8Array): void {
  let at = 0;
  for (const one of arrays) {
    bytesOf(one).set(bytes.subarray(at, at + one.byteLength));
    at += one.byteLength;
  }
}
