/** Bytes that need not be in memory: a serialized form of several gigabytes in a file. Read front to back, now and then ahead. */
export interface ByteSource {
  readonly length: number;
  /** @returns exactly the bytes from `at` on; the caller does not change them, and may not keep them beyond the next call */
  read(at: number, length: number): Uint8Array;
}

/** Bytes in memory as a source. */
export function asSource(bytes: Uint8Array | ByteSource): ByteSource {
  if (!(bytes instanceof Uint8Array)) return bytes;
  return { length: bytes.length, read: (at, length) => bytes.subarray(at, at + length) };
}
