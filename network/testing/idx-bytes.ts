/** An IDX file of unsigned bytes. */
export function idxBytes(shape: readonly number[], data: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  bytes.set([0, 0, 8, shape.length]);
  const view = new DataView(bytes.buffer);
  shape.forEach((extent, i) => {
    view.setUint32(4 + 4 * i, extent);
  });
  bytes.set(Array.from(data), 4 + 4 * shape.length);
  return bytes;
}
