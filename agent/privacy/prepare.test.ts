import { describe, expect, it } from 'vitest';
import type { PictureShape } from '#fhe';
import { prepareFrame } from '#network/training/datasets/clip.ts';
import { normalizePictures } from '#network/training/datasets/normalize-dataset.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';
import type { Frame } from '../camera/frame.ts';
import { prepareRegions } from './prepare.ts';
import { type MaskedFrame, PrivacyFilter } from './privacy-filter.ts';

function frameOf(width: number, height: number, color: (x: number, y: number) => number[]): Frame {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(color(x, y), (y * width + x) * 3);
  }
  return { width, height, data, timeMs: 0, number: 1 };
}

const open = new PrivacyFilter([]);
const prepare = (frame: MaskedFrame, shape: PictureShape, region: Rectangle | undefined) =>
  prepareRegions(frame, shape, [region], 1);

describe('prepare', () => {
  it('lays colours out channel first, in [0, 1]', async () => {
    const frame = frameOf(40, 20, (x) => (x < 20 ? [255, 0, 51] : [0, 255, 102]));
    const values = await prepare(open.apply(frame), { channels: 3, height: 2, width: 4 }, undefined);
    expect(values.length).toBe(24);
    const at = (channel: number, y: number, x: number) => values[channel * 8 + y * 4 + x]!;
    expect([at(0, 0, 0), at(1, 0, 0), at(2, 1, 0)]).toEqual([1, 0, expect.closeTo(0.2, 2)]);
    expect([at(0, 0, 3), at(1, 1, 3), at(2, 0, 3)]).toEqual([0, 1, expect.closeTo(0.4, 2)]);
  });

  it('gives one channel for a grey network', async () => {
    const frame = frameOf(31, 17, () => [128, 128, 128]);
    const values = await prepare(open.apply(frame), { channels: 1, height: 3, width: 5 }, undefined);
    expect([...values]).toEqual(new Array(15).fill(Math.fround(128 / 255)));
  });

  it('looks at its region only', async () => {
    const frame = frameOf(40, 40, (x, y) => (x >= 20 && y >= 20 ? [255, 255, 255] : [0, 0, 0]));
    const region = { x: 0.5, y: 0.5, width: 0.5, height: 0.5 };
    const values = await prepare(open.apply(frame), { channels: 1, height: 2, width: 2 }, region);
    expect([...values]).toEqual([1, 1, 1, 1]);
  });

  it.each([
    [1, undefined],
    [3, { x: 0.13, y: 0.2, width: 0.61, height: 0.47 }],
    [1, { x: 0.013, y: 0.5, width: 0.35, height: 0.45 }],
  ] as const)('gives exactly what training gives, %i channels of region %j', async (channels, region) => {
    const shape = { channels, height: 24, width: 32 };
    const frame = frameOf(161, 97, (x, y) => [(x * 7 + y) % 256, (x ^ y) % 256, (x * y) % 256]);
    const trained = await prepareFrame(frame.data, { width: 161, height: 97 }, shape, region);
    expect(await prepare(open.apply(frame), shape, region)).toEqual(trained);
    const normalized = { ...shape, light: 'normalize' } as const;
    normalizePictures(trained, normalized);
    expect(await prepare(open.apply(frame), normalized, region)).toEqual(trained);
  });

  it('sees nothing of what a mask covers: the hidden pixels do not change a single value', async () => {
    const shape = { channels: 3, height: 8, width: 8 } as const;
    const polygon = [
      [0.25, 0.25],
      [0.75, 0.25],
      [0.75, 0.75],
      [0.25, 0.75],
    ] as const;
    const inside = (x: number, y: number) => x >= 16 && x < 48 && y >= 16 && y < 48;
    const picture = (hidden: number) =>
      frameOf(64, 64, (x, y) => (inside(x, y) ? [hidden, hidden, 255 - hidden] : [x * 3, y * 3, 90]));
    const bright = picture(250);
    const filter = new PrivacyFilter([polygon]);
    const first = await prepare(filter.apply(bright), shape, undefined);
    const second = await prepare(filter.apply(picture(3)), shape, undefined);
    expect(first).toEqual(second);
    expect(bright.data[(32 * 64 + 32) * 3]).toBe(0);
  });
});
