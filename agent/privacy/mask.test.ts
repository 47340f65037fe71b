import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyMask, compileMask, type Polygon } from './mask.ts';

function drawn(polygons: Polygon[], width: number, height: number): string[] {
  const rgb = new Uint8Array(width * height * 3).fill(255);
  applyMask(compileMask(polygons, width, height), rgb);
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (rgb[(y * width + x) * 3] === 0 ? '#' : '.')).join(''),
  );
}

const box = (x0: number, y0: number, x1: number, y1: number): Polygon => [
  [x0, y0],
  [x1, y0],
  [x1, y1],
  [x0, y1],
];

describe('mask', () => {
  it('covers a box', () => {
    expect(drawn([box(0.26, 0.3, 0.7, 0.7)], 8, 4)).toEqual(['........', '..####..', '..####..', '........']);
  });

  it('covers a triangle and every pixel that its border touches', () => {
    const triangle: Polygon = [
      [0, 0],
      [1, 1],
      [0, 1],
    ];
    expect(drawn([triangle], 4, 4)).toEqual(['#...', '##..', '###.', '####']);
  });

  it('covers polygons thinner than a pixel, loops over themselves, and the whole picture', () => {
    expect(drawn([box(0.4, 0.1, 0.41, 0.9)], 4, 2)).toEqual(['.#..', '.#..']);
    const twice = [...box(0, 0, 1, 1), ...box(0, 0, 1, 1)];
    expect(drawn([twice], 3, 2)).toEqual(['###', '###']);
    expect(drawn([box(0, 0, 1, 1)], 3, 2)).toEqual(['###', '###']);
  });

  it('covers every pixel whose centre is inside any triangle', () => {
    const point = fc.tuple(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.tuple(point, point, point), ([a, b, c]) => {
        const side = (p: number[], q: number[], x: number, y: number) =>
          (q[0]! - p[0]!) * (y - p[1]!) - (q[1]! - p[1]!) * (x - p[0]!);
        const rows = drawn([[a, b, c]], 9, 7);
        for (let y = 0; y < 7; y++) {
          for (let x = 0; x < 9; x++) {
            const [cx, cy] = [(x + 0.5) / 9, (y + 0.5) / 7];
            const sides = [side(a, b, cx, cy), side(b, c, cx, cy), side(c, a, cx, cy)];
            const inside = sides.every((s) => s > 1e-9) || sides.every((s) => s < -1e-9);
            if (inside) expect(rows[y]![x]).toBe('#');
          }
        }
      }),
    );
  });
});
