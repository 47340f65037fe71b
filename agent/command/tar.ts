const BLOCK = 512;
const REGULAR = '0';

/** A file of an archive. */
export type TarFile = { readonly name: string; readonly bytes: Uint8Array };

/**
 * An uncompressed archive in the format of POSIX (ustar), which every tar reads.
 *
 * @param mtimeMs date of all files
 * @throws RangeError for a name of more than 100 bytes
 */
export function packTar(files: readonly TarFile[], mtimeMs: number): Buffer {
  const blocks = files.flatMap(({ name, bytes }) => [
    header(name, bytes.length, Math.floor(mtimeMs / 1000)),
    bytes,
    Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** Fields at the offsets that POSIX fixes; numbers in octal. */
function header(name: string, size: number, seconds: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name} is too long a name for an archive`);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  block.write(name, 0);
  block.write(octal(0o600, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(seconds, 11), 136);
  // The checksum counts its own field as blanks.
  block.write(' '.repeat(8), 148);
  block.write(REGULAR, 156);
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}
