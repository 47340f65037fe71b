import sharp from 'sharp';
import { expect, it } from 'vitest';
import { greyPixels } from './grey-pixels.ts';

it('keeps grey as it is', () => {
  const levels = Uint8Array.from({ length: 256 }, (_, level) => level);
  expect(greyPixels(Uint8Array.from({ length: 3 * 256 }, (_, i) => Math.floor(i / 3)))).toEqual(levels);
});

it('is as bright as sharp makes a colour, within 1', async () => {
  const [width, height] = [256, 256];
  const colors = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return [pixel, 5 * pixel, pixel >> 8][i % 3]!;
  });
  const raw = { width, height, channels: 3 } as const;
  const wanted = await sharp(colors, { raw }).greyscale().raw().toBuffer();
  const found = greyPixels(colors);
  expect(found.length).toBe(wanted.length);
  expect(Math.max(...found.map((byte, i) => Math.abs(byte - wanted[i]!)))).toBeLessThanOrEqual(1);
});
