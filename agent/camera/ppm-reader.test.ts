import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PpmReader } from './ppm-reader.ts';

function ppm(width: number, height: number, first: number): Buffer {
  const data = Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (first + i) % 256));
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]);
}

describe('PpmReader', () => {
  it('finds the same pictures however the stream is cut', () => {
    const stream = Buffer.concat([ppm(3, 2, 1), ppm(1, 1, 10), ppm(5, 4, 80)]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 12 }), (cuts) => {
        const seen: string[] = [];
        let starts = 0;
        const reader = new PpmReader(
          () => starts++,
          (picture) => {
            const { width, height, data } = picture;
            seen.push(`${width}×${height} ${Buffer.from(data).toString('hex')}`);
            reader.recycle(data);
          },
        );
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
        for (let i = 1; i < edges.length; i++) reader.push(stream.subarray(edges[i - 1], edges[i]));
        expect(seen.map((text) => text.split(' ')[0])).toEqual(['3×2', '1×1', '5×4']);
        expect(seen[1]).toBe('1×1 0a0b0c');
        expect(seen[2]?.slice(4, 10)).toBe('505152');
        expect(starts).toBe(3);
      }),
    );
  });

  it.each(['P5\n1 1\n255\n', 'P6\n0 1\n255\n', 'P6\n9000 1\n255\n', 'P6\n1 1\n65535\n', 'x'.repeat(100)])(
    'refuses %j',
    (header) => {
      const reader = new PpmReader(
        () => {},
        () => {},
      );
      expect(() => reader.push(Buffer.from(header))).toThrow(
        expect.objectContaining({ code: 'CAMERA_STREAM' }),
      );
    },
  );
});
