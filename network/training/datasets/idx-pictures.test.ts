import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idxBytes } from '#network/testing/idx-bytes.ts';
import { idxPictures, readIdxDataset, splitOff } from './idx-pictures.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idx-pictures-'));
  await writeFile(join(folder, 'images'), idxBytes([3, 1, 2], [0, 51, 102, 153, 204, 255]));
  await writeFile(join(folder, 'labels'), idxBytes([3], [2, 0, 1]));
  await writeFile(join(folder, 'two-labels'), idxBytes([2], [0, 1]));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);

describe('IdxPictures', () => {
  it('reads values byte / 255 and numbers the classes', async () => {
    const dataset = await readIdxDataset({ images: path('images'), labels: path('labels') });
    expect(dataset.picture).toEqual({ channels: 1, height: 1, width: 2 });
    expect(dataset.labels).toEqual(['0', '1', '2']);
    expect([...dataset.classes]).toEqual([2, 0, 1]);
    expect([...dataset.pictures].map((value) => Math.round(value * 255))).toEqual([
      0, 51, 102, 153, 204, 255,
    ]);
  });

  it('pads with black and stops at the limit', async () => {
    const dataset = await readIdxDataset({
      images: path('images'),
      labels: path('labels'),
      pad: 1,
      limit: 1,
    });
    expect(dataset.picture).toEqual({ channels: 1, height: 3, width: 4 });
    expect([...dataset.pictures].map((value) => Math.round(value * 255))).toEqual([
      ...[0, 0, 0, 0],
      ...[0, 0, 51, 0],
      ...[0, 0, 0, 0],
    ]);
    expect([...dataset.classes]).toEqual([2]);
  });

  it('puts color channel first', () => {
    const array = { shape: [1, 1, 2, 3], data: Uint8Array.of(0, 51, 102, 153, 204, 255) };
    const { picture, pictures } = idxPictures(array, 'colors');
    expect(picture).toEqual({ channels: 3, height: 1, width: 2 });
    expect([...pictures].map((value) => Math.round(value * 255))).toEqual([0, 153, 51, 204, 102, 255]);
  });

  it('refuses files that do not belong together', async () => {
    const images = path('images');
    await expect(readIdxDataset({ images, labels: path('two-labels') })).rejects.toThrow(
      'has 3 pictures but',
    );
    await expect(readIdxDataset({ images, labels: images })).rejects.toThrow('expected one class a picture');
    await expect(readIdxDataset({ images: path('labels'), labels: path('labels') })).rejects.toThrow(
      'expected pictures × height × width',
    );
    const names = ['no', 'yes'];
    await expect(readIdxDataset({ images, labels: path('labels'), names })).rejects.toThrow(
      'class 2, but there are 2 labels',
    );
  });

  it('splits off the end', async () => {
    const all = await readIdxDataset({ images: path('images'), labels: path('labels') });
    const { training, validation } = splitOff(all, 0.34);
    expect([...training.classes]).toEqual([2, 0]);
    expect([...validation.classes]).toEqual([1]);
    expect([...validation.pictures].map((value) => Math.round(value * 255))).toEqual([204, 255]);
  });
});
