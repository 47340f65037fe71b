import { readFile, stat } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { NetworkError } from '#network/errors.ts';

/** An array of unsigned bytes with its dimensions, as in an IDX file. */
export type IdxArray = { readonly shape: readonly number[]; readonly data: Uint8Array };

/** Maximum bytes of an IDX file, packed or unpacked. */
export const MAX_IDX_BYTES = 2 ** 30;
const MAX_DIMENSIONS = 4;
/** Third byte of the header: the element type. */
const UNSIGNED_BYTE = 0x08;
const GZIP = [0x1f, 0x8b] as const;

function refuse(where: string, what: string, options?: ErrorOptions): never {
  throw new NetworkError('NETWORK_DATA', `${where}: ${what}`, options);
}

function unpack(bytes: Uint8Array, where: string): Uint8Array {
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_IDX_BYTES });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    refuse(where, `cannot be unpacked (${why}); is the file complete?`, { cause });
  }
}

/**
 * Reads an array in the IDX format of the MNIST database, plain or packed with gzip: two zero bytes, the element type (only
 * unsigned bytes, 8), the number of dimensions, one big-endian 32-bit size for each, then the elements.
 *
 * @param where names the bytes in messages: the file.
 * @throws NetworkError NETWORK_DATA for anything else, and if the file is longer or shorter than its header says.
 */
export function readIdx(bytes: Uint8Array, where: string): IdxArray {
  if (bytes.length > MAX_IDX_BYTES) refuse(where, `${bytes.length} bytes, at most ${MAX_IDX_BYTES} are read`);
  const file = unpack(bytes, where);
  if (file.length < 4 || file[0] !== 0 || file[1] !== 0) {
    refuse(where, 'not an IDX file: expected it to begin with two zero bytes (or gzip of such a file)');
  }
  if (file[2] !== UNSIGNED_BYTE) refuse(where, `element type ${file[2]}: only unsigned bytes (8) are read`);
  const dimensions = file[3]!;
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    refuse(where, `${dimensions} dimensions: expected 1 to ${MAX_DIMENSIONS}`);
  }
  const start = 4 + 4 * dimensions;
  if (file.length < start) refuse(where, 'cut off within its header');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (count === 0) refuse(where, `extents ${shape.join(' × ')}: there is nothing in it`);
  if (file.length !== start + count) {
    refuse(
      where,
      `extents ${shape.join(' × ')} need ${start + count} bytes, but it has ${file.length}; is it complete?`,
    );
  }
  return { shape, data: file.subarray(start) };
}

/** {@link readIdx} of a file. @throws NetworkError NETWORK_DATA also if the file cannot be read. */
export async function readIdxFile(path: string): Promise<IdxArray> {
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > MAX_IDX_BYTES) refuse(path, `${size} bytes, at most ${MAX_IDX_BYTES} are read`);
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof NetworkError) throw cause;
    refuse(path, `cannot be read (${cause instanceof Error ? cause.message : cause})`, { cause });
  }
  return readIdx(bytes, path);
}
