import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPictureFolder } from './picture-folder.ts';

let folder: string;
const picture = { channels: 1, height: 2, width: 2 };

async function photo(file: string, shade: number, channels: 1 | 3 | 4 = 3): Promise<void> {
  const raw = { width: 8, height: 8, channels };
  await sharp(new Uint8Array(64 * channels).fill(shade), { raw })
    .png()
    .toFile(join(folder, file));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictures-'));
  for (const name of ['dark', 'light']) await mkdir(join(folder, name));
  await photo('dark/1.png', 0);
  await photo('dark/2.png', 51, 1);
  await photo('light/1.png', 255);
  await photo('light/2.png', 255, 4);
  await writeFile(join(folder, 'dark', 'notes.txt'), 'not a picture');
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('PictureFolder', () => {
  it('reads every picture with the class of its folder, small and in [0, 1]', async () => {
    const dataset = await readPictureFolder({ folder, picture });
    expect(dataset.labels).toEqual(['dark', 'light']);
    const shades = [...dataset.classes].map((label, i) => [label, dataset.pictures[i * 4]]);
    expect(shades.sort()).toEqual([
      [0, 0],
      [0, Math.fround(0.2)],
      [1, 1],
      [1, 1],
    ]);
  });

  it('gives the same order every time', async () => {
    const first = await readPictureFolder({ folder, picture });
    expect(await readPictureFolder({ folder, picture })).toEqual(first);
  });

  it('names what is not as expected', async () => {
    await expect(readPictureFolder({ folder: join(folder, 'nowhere'), picture })).rejects.toThrow(
      'not a folder that can be read',
    );
    await expect(readPictureFolder({ folder, picture, names: ['dark', 'bright'] })).rejects.toThrow(
      'not one of the classes dark, bright',
    );
    await expect(readPictureFolder({ folder: join(folder, 'dark'), picture })).rejects.toThrow(
      'at least two folders',
    );
    await expect(readPictureFolder({ folder, picture, names: ['dark', 'light', 'none'] })).rejects.toThrow(
      'none: holds no pictures',
    );
    await writeFile(join(folder, 'light', '3.jpg'), 'this is no picture');
    await expect(readPictureFolder({ folder, picture })).rejects.toThrow(
      '3.jpg: cannot be read as a picture',
    );
  });
});
