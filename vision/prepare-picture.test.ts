import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PictureFormat } from './picture-format.ts';
import { preparePicture, type RawFrame, regionPixels } from './prepare-picture.ts';

const RUNS = { numRuns: 60 };
/** Widths and heights of odd, tiny and usual frames. */
const side = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constantFrom(1, 2, 3, 240, 321, 333));
const fraction = fc.double({ min: 0, max: 1, noNaN: true });
/** Any part of a picture, even without area. */
const region = fc
  .record({ x: fraction, y: fraction, right: fraction, bottom: fraction })
  .map(({ x, y, right, bottom }) => ({ x, y, width: right * (1 - x), height: bottom * (1 - y) }));
const format: fc.Arbitrary<PictureFormat> = fc
  .record({
    channels: fc.constantFrom(1, 3),
    height: fc.integer({ min: 1, max: 48 }),
    width: fc.integer({ min: 1, max: 48 }),
    normalized: fc.boolean(),
  })
  .map(({ normalized, ...size }) => (normalized ? { ...size, light: 'normalize' as const } : size));
const frame = fc
  .record({ width: side, height: side, seed: fc.integer({ min: 0, max: 2 ** 20 }) })
  .map(({ width, height, seed }): RawFrame => {
    const data = Uint8Array.from(
      { length: 3 * width * height },
      (_, i) => Math.imul(i + seed, 2_654_435_761) >>> 24,
    );
    return { data, width, height };
  });

/** The region of a frame as a frame of its own, pixel by pixel. */
function cut({ data, width }: RawFrame, part: ReturnType<typeof regionPixels>): RawFrame {
  const out = new Uint8Array(3 * part.width * part.height);
  for (let y = 0; y < part.height; y++) {
    const from = 3 * ((part.top + y) * width + part.left);
    out.set(data.subarray(from, from + 3 * part.width), 3 * y * part.width);
  }
  return { data: out, width: part.width, height: part.height };
}

describe('regionPixels', () => {
  it('stays inside and never becomes empty', () => {
    expect(regionPixels({ x: 0.999, y: 0, width: 0.001, height: 1 }, 10, 10)).toEqual({
      left: 9,
      top: 0,
      width: 1,
      height: 10,
    });
    fc.assert(
      fc.property(side, side, region, (width, height, part) => {
        const pixels = regionPixels(part, width, height);
        expect(Math.min(pixels.left, pixels.top)).toBeGreaterThanOrEqual(0);
        expect(Math.min(pixels.width, pixels.height)).toBeGreaterThanOrEqual(1);
        expect(pixels.left + pixels.width).toBeLessThanOrEqual(width);
        expect(pixels.top + pixels.height).toBeLessThanOrEqual(height);
      }),
    );
  });
});

describe('preparePicture', () => {
  it('makes as many values in [0, 1] as the format says, of any frame', async () => {
    await fc.assert(
      fc.asyncProperty(frame, format, fc.option(region, { nil: undefined }), async (one, shape, part) => {
        const values = await preparePicture(one, shape, part);
        expect(values.length).toBe(shape.channels * shape.height * shape.width);
        expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
      }),
      RUNS,
    );
  });

  it('sees its region as if the frame ended there', async () => {
    await fc.assert(
      fc.asyncProperty(frame, format, region, async (one, shape, part) => {
        const alone = cut(one, regionPixels(part, one.width, one.height));
        expect(await preparePicture(one, shape, part)).toEqual(await preparePicture(alone, shape));
      }),
      RUNS,
    );
  });

  it('keeps a colour that fills the frame, whatever its size', async () => {
    const byte = fc.integer({ min: 0, max: 255 });
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        format,
        fc.tuple(byte, byte, byte),
        async (width, height, shape, color) => {
          // The standard defines the grey of a colour; grey itself must stay as it is.
          const shown = shape.channels === 3 ? color : [color[0], color[0], color[0]];
          const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => shown[i % 3]!);
          const { light: _light, ...plain } = shape;
          const values = await preparePicture({ data, width, height }, plain);
          const size = shape.height * shape.width;
          const wanted = Float32Array.from(values, (_, i) => shown[Math.floor(i / size)]! / 255);
          expect(values).toEqual(wanted);
        },
      ),
      RUNS,
    );
  });
});
