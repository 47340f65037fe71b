import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PictureShape } from '#fhe';
import { prepareFrame } from '#network/training/datasets/clip.ts';
import { normalizePictures } from '#network/training/datasets/normalize-dataset.ts';
import { pictureInputs } from '#vision/picture-input.ts';
import type { Rectangle } from '#vision/prepare-picture.ts';
import { RegionView } from '#vision/region-view.ts';
import type { Frame } from '../camera/frame.ts';
import { CameraViews } from './camera-views.ts';
import { type MaskedFrame, PrivacyFilter } from './privacy-filter.ts';

function frameOf(width: number, height: number, color: (x: number, y: number) => number[]): Frame {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(color(x, y), (y * width + x) * 3);
  }
  return { width, height, data, timeMs: 0, number: 1 };
}

const open = new PrivacyFilter([]);
const prepareAll = async (
  frame: MaskedFrame,
  shape: PictureShape,
  regions: readonly (Rectangle | undefined)[],
  count: number,
) => pictureInputs(await new CameraViews().prepare(frame, shape, regions, count), shape, count);
const prepare = (frame: MaskedFrame, shape: PictureShape, region: Rectangle | undefined) =>
  prepareAll(frame, shape, [region], 1);

describe('CameraViews', () => {
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

  it('gives exactly what training gives, of any frame, region, mask and format', async () => {
    const side = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constantFrom(1, 161, 321));
    const corner = fc.double({ min: 0, max: 1, noNaN: true });
    const polygon = fc.array(fc.tuple(corner, corner), { minLength: 3, maxLength: 5 });
    const region = fc
      .record({ x: corner, y: corner, right: corner, bottom: corner })
      .map(({ x, y, right, bottom }) => ({ x, y, width: right * (1 - x), height: bottom * (1 - y) }));
    const format = fc.record({
      channels: fc.constantFrom(1 as const, 3 as const),
      height: fc.integer({ min: 1, max: 32 }),
      width: fc.integer({ min: 1, max: 32 }),
    });
    const regions = fc.array(fc.option(region, { nil: undefined }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(side, side, format, regions, fc.array(polygon, { maxLength: 2 }), async (...drawn) => {
        const [width, height, shape, parts, masks] = drawn;
        const frame = frameOf(width, height, (x, y) => [(x * 7 + y) % 256, (x ^ y) % 256, (x * y) % 256]);
        const shown = new PrivacyFilter(masks).apply(frame);
        const count = 4;
        const trained = await Promise.all(
          Array.from({ length: count }, (_, i) =>
            prepareFrame(frame.data, { width, height }, shape, parts[i % parts.length]),
          ),
        );
        const flat = Float32Array.from(trained.flatMap((values) => [...values]));
        expect(await prepareAll(shown, shape, parts, count)).toEqual(flat);
        const normalized = { ...shape, light: 'normalize' } as const;
        normalizePictures(flat, normalized);
        expect(await prepareAll(shown, normalized, parts, count)).toEqual(flat);
      }),
      { numRuns: 60 },
    );
  });

  it('measures motion region by region, as training does, from what masks leave of the picture', async () => {
    const shape = { channels: 4, height: 6, width: 8, motion: { seconds: 2 } } as const;
    const left = { x: 0, y: 0, width: 0.5, height: 1 };
    const views = new CameraViews();
    const trained = [left, undefined].map((region) => new RegionView(shape, region));
    const filter = new PrivacyFilter([
      [
        [0.5, 0],
        [1, 0],
        [1, 1],
        [0.5, 1],
      ],
    ]);
    const size = 4 * 48;
    const movingIn = (bytes: Uint8Array) => bytes.subarray(3 * 48, size).some((byte) => byte > 0);
    for (let number = 1; number <= 4; number++) {
      // Something moves on the left from the third frame on, and always behind the mask.
      const frame = frameOf(64, 48, (x, y) =>
        x >= 32 ? [60 * number, y, 0] : number > 2 && y > 30 ? [250, 250, 40 * number] : [3 * x, y, x],
      );
      const shown = filter.apply({ ...frame, timeMs: 100 * number });
      const bytes = await views.prepare(shown, shape, [left, undefined], 4);
      expect(bytes.length).toBe(4 * size);
      for (const [i, view] of trained.entries()) {
        const wanted = await view.prepare(shown, 100 * number);
        expect(bytes.subarray(i * size, (i + 1) * size)).toEqual(wanted);
        expect(bytes.subarray((i + 2) * size, (i + 3) * size)).toEqual(wanted);
        expect(movingIn(wanted)).toBe(number > 2);
      }
    }
    // A process that starts knows nothing of what was before.
    const again = filter.apply({ ...frameOf(64, 48, (x, y) => [x, y, 9]), timeMs: 500 });
    expect(movingIn(await views.prepare(again, shape, [left], 1))).toBe(true);
    expect(movingIn(await new CameraViews().prepare(again, shape, [left], 1))).toBe(false);
    // A network that wants pictures of another kind starts anew, too.
    const other = { ...shape, motion: { seconds: 3 } };
    expect(movingIn(await views.prepare(again, other, [left], 1))).toBe(false);
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
