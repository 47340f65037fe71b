import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMap, type MapDecoding } from './decode-map.ts';

const PLAIN: MapDecoding = {
  height: 6,
  width: 8,
  classes: 1,
  threshold: 0.5,
  smoothing: 0,
  distance: 2,
  most: 64,
};

/** A map with these values and zero elsewhere. */
function mapOf(cells: readonly [row: number, column: number, value: number][], classes = 1): Float64Array {
  const map = new Float64Array(classes * PLAIN.height * PLAIN.width);
  for (const [row, column, value] of cells) map[row * PLAIN.width + column] = value;
  return map;
}

const places = (map: Float64Array, changes: Partial<MapDecoding> = {}) =>
  decodeMap(map, { ...PLAIN, ...changes }).points.map((point) => [point.class, point.row, point.column]);

describe('decodeMap', () => {
  it('finds the maxima from the threshold on, also at the border and among equals', () => {
    const map = mapOf([
      [0, 0, 0.9],
      [2, 3, 0.5],
      [2, 5, 0.49],
      [5, 6, 0.7],
      [5, 7, 0.7],
    ]);
    expect(places(map)).toEqual([
      [0, 0, 0],
      [0, 2, 3],
      [0, 5, 6],
    ]);
  });

  it('keeps points of one class apart, and those of another not', () => {
    const one: [number, number, number][] = [
      [2, 2, 0.8],
      [2, 4, 0.9],
    ];
    expect(places(mapOf(one))).toHaveLength(2);
    expect(places(mapOf(one), { distance: 2.5 })).toEqual([[0, 2, 4]]);
    const two = mapOf(
      [
        [2, 2, 0.8],
        [8, 4, 0.9],
      ],
      2,
    );
    expect(places(two, { classes: 2, distance: 2.5 })).toEqual([
      [0, 2, 2],
      [1, 2, 4],
    ]);
  });

  it('smooths with a tent that ends at the border', () => {
    // Two halves of somebody are one maximum together, where each by itself is below the threshold.
    const map = mapOf([
      [3, 3, 0.4],
      [3, 4, 0.4],
    ]);
    expect(places(map)).toEqual([]);
    expect(places(map, { smoothing: 1, threshold: 0.14 })).toEqual([[0, 3, 3]]);
    expect(places(map, { smoothing: 1, threshold: 0.151 })).toEqual([]);
    const flat = new Float64Array(48).fill(1);
    expect(places(flat, { smoothing: 2, threshold: 1 })).toEqual([[0, 0, 0]]);
  });

  it('says where between cells the summit is', () => {
    const map = mapOf([
      [3, 2, 0.2],
      [3, 3, 1],
      [3, 4, 0.6],
    ]);
    const [point] = decodeMap(map, PLAIN).points;
    expect(point!.x).toBeCloseTo((3.5 + 1 / 6) / 8, 12);
    expect(point!.y).toBeCloseTo(3.5 / 6, 12);
  });

  it('keeps the strongest, in an order that does not tell which they are', () => {
    const map = mapOf([
      [0, 0, 0.6],
      [0, 4, 0.9],
      [4, 0, 0.8],
      [4, 4, 0.7],
    ]);
    expect(places(map, { most: 2 })).toEqual([
      [0, 0, 4],
      [0, 4, 0],
    ]);
  });

  it('holds its bounds for any map', () => {
    const value = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 96, maxLength: 96 }),
        fc.nat({ max: 3 }),
        fc.nat({ max: 5 }),
        fc.integer({ min: 1, max: 9 }),
        (values, smoothing, distance, most) => {
          const decoding = { ...PLAIN, classes: 2, smoothing, distance, most };
          const { points } = decodeMap(values, decoding);
          expect(points.length).toBeLessThanOrEqual(most);
          // Half a cell, but for the rounding of the comparison itself.
          const half = 0.5 + 1e-12;
          for (const [i, a] of points.entries()) {
            expect(Math.abs(a.x * 8 - a.column - 0.5)).toBeLessThanOrEqual(half);
            expect(Math.abs(a.y * 6 - a.row - 0.5)).toBeLessThanOrEqual(half);
            for (const b of points.slice(i + 1)) {
              if (a.class !== b.class) continue;
              expect(Math.hypot(a.row - b.row, a.column - b.column)).toBeGreaterThanOrEqual(distance);
            }
          }
        },
      ),
    );
  });

  it('stays in the cell where a neighbor is as high but for the last digits', () => {
    const values = new Float64Array(48);
    values[4 * 8 + 3] = 3;
    values[4 * 8 + 4] = 3 - 2 ** -50;
    values[3 * 8 + 3] = 3 - 2 ** -51;
    for (const { x, y, column, row } of decodeMap(values, PLAIN).points) {
      expect(x * 8).toBeLessThanOrEqual(column + 1);
      expect(y * 6).toBeGreaterThanOrEqual(row);
    }
  });

  it('takes exactly as many values as cells', () => {
    expect(() => decodeMap(new Float64Array(47), PLAIN)).toThrow('47 values: expected 1 × 6 × 8');
  });
});
