import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { idxBytes } from '#network/testing/idx-bytes.ts';
import { readIdx, readIdxFile } from './idx.ts';

describe('Idx', () => {
  it('reads plain and packed files alike', () => {
    const bytes = idxBytes([2, 3], [1, 2, 3, 4, 5, 255]);
    for (const file of [bytes, gzipSync(bytes)]) {
      const { shape, data } = readIdx(file, 'a.idx');
      expect(shape).toEqual([2, 3]);
      expect([...data]).toEqual([1, 2, 3, 4, 5, 255]);
    }
  });

  it.each([
    ['other bytes', Uint8Array.of(1, 2, 3, 4), 'not an IDX file'],
    ['nothing', new Uint8Array(), 'not an IDX file'],
    ['floats', Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 0), 'element type 13'],
    ['no dimensions', Uint8Array.of(0, 0, 8, 0), '0 dimensions: expected 1 to 4'],
    ['too many dimensions', Uint8Array.of(0, 0, 8, 5), '5 dimensions: expected 1 to 4'],
    ['half a header', Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1), 'cut off within its header'],
    ['no elements', idxBytes([0, 28], []), 'there is nothing in it'],
    ['too few elements', idxBytes([2, 2], [1, 2, 3]), 'need 16 bytes, but it has 15'],
    ['too many elements', idxBytes([2], [1, 2, 3]), 'need 10 bytes, but it has 11'],
    ['extents beyond memory', idxBytes([0xffffffff, 0xffffffff], []), 'but it has 12; is it complete?'],
    ['half a gzip file', gzipSync(idxBytes([4], [1, 2, 3, 4])).subarray(0, 20), 'cannot be unpacked'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readIdx(bytes, 'a.idx')).toThrow(message);
    expect(() => readIdx(bytes, 'a.idx')).toThrow('a.idx: ');
  });

  it('names a file that cannot be read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'idx-'));
    const file = join(folder, 'digits.gz');
    await expect(readIdxFile(file)).rejects.toThrow(`${file}: cannot be read`);
    await writeFile(file, gzipSync(idxBytes([1], [7])));
    expect((await readIdxFile(file)).data[0]).toBe(7);
    await rm(folder, { recursive: true });
  });
});
