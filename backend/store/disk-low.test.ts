import { describe, expect, it } from 'vitest';
import { isDiskLow } from './disk-low.ts';

const GIB = 2 ** 30;
const low = (sizeGib: number, freeGib: number) =>
  isDiskLow('/', async () => ({
    bsize: 4096,
    blocks: (sizeGib * GIB) / 4096,
    bavail: (freeGib * GIB) / 4096,
  }));

describe('isDiskLow', () => {
  it('is below 5 % of a small disk', async () => {
    expect(await low(20, 1.1)).toBe(false);
    expect(await low(20, 0.9)).toBe(true);
  });

  it('is below 2 GiB of a large one', async () => {
    expect(await low(1000, 2.1)).toBe(false);
    expect(await low(1000, 1.9)).toBe(true);
  });

  it('asks the disk', async () => {
    await expect(isDiskLow('/no/such/folder')).rejects.toThrow('ENOENT');
  });
});
