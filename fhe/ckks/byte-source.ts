/** Bytes that need not be in memory: a serialized form of several gigabytes in a file. Read front to back, now and then ahead. */
export interface ByteSource {
  readonly length: number;
  /** @returns exactly the bytes from `at` on; the caller does not change them, and may not keep them beyond the next call */
  read(at: number, length: number): Uint8Array;
}

/** Bytes in memory as a source. */
export function asSource(bytes: Uint8Array | ByteSource): ByteSource {
  if (!(bytes instanceof Uint8Array)) return bytes;
  // Of a Buffer `slice` would be a view, and `buffer` more than it holds.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { length: plain.length, read: (at, length) => plain.subarray(at, at + length) };
}
