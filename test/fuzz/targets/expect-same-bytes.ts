/** An oracle: @throws Error where what was read is not written as what was there. */
export function expectSameBytes(what: string, written: Uint8Array, read: Uint8Array): void {
  if (Buffer.compare(written, read) !== 0)
    throw new Error(`${what}: ${read.length} bytes are read, and written as ${written.length} others`);
}
