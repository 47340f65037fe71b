import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asBox,
  asMask,
  type Box,
  boxBetween,
  cornersOf,
  type Mask,
  moveBox,
  moveCorner,
  moveMask,
  type Point,
  pointAt,
  splitEdge,
  withoutPoint,
} from './shapes.ts';

const anywhere = fc.double({ min: -2, max: 3, noNaN: true });
const point = fc.tuple(anywhere, anywhere).map(([x, y]) => pointAt(x, y));
const mask = fc.array(point, { minLength: 3, maxLength: 8 });

const isWithin = ({ x, y, width, height }: Box) =>
  x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 1.000001 && y + height <= 1.000001;
const areWithin = (points: Mask) => points.every((each) => each.every((share) => share >= 0 && share <= 1));

describe('a region', () => {
  it('stays within the picture and keeps a size, however it is drawn, moved and pulled', () => {
    fc.assert(
      fc.property(point, point, anywhere, anywhere, fc.nat(3), point, (a, b, dx, dy, corner, to) => {
        const box = boxBetween(a, b);
        const moved = moveBox(box, dx, dy);
        expect(isWithin(box) && isWithin(moved) && isWithin(moveCorner(box, corner, to))).toBe(true);
        expect([moved.width, moved.height]).toEqual([box.width, box.height]);
      }),
      { seed: 11 },
    );
  });

  it('keeps the opposite corner where one is pulled', () => {
    const box = { x: 0.2, y: 0.2, width: 0.4, height: 0.4 };
    expect(moveCorner(box, 0, [0.1, 0.3])).toEqual({ x: 0.1, y: 0.3, width: 0.5, height: 0.3 });
    expect(cornersOf(moveCorner(box, 2, [0.9, 0.9]))[0]).toEqual([0.2, 0.2]);
  });
});

describe('a mask', () => {
  it('stays within the picture and keeps its form, however it is moved', () => {
    fc.assert(
      fc.property(mask, anywhere, anywhere, (points, dx, dy) => {
        const moved = moveMask(points, dx, dy);
        expect(areWithin(moved)).toBe(true);
        const [[ax, ay], [bx, by]] = [moved[0]!, points[0]!] as [Point, Point];
        for (const [index, [x, y]] of moved.entries()) {
          expect(x - points[index]![0]).toBeCloseTo(ax - bx, 2);
          expect(y - points[index]![1]).toBeCloseTo(ay - by, 2);
        }
      }),
      { seed: 12 },
    );
  });

  it('gets a corner in the middle of an edge, and keeps three', () => {
    const triangle: Mask = [
      [0, 0],
      [1, 0],
      [0, 1],
    ];
    expect(splitEdge(triangle, 2)).toEqual([...triangle, [0, 0.5]]);
    expect(withoutPoint(splitEdge(triangle, 2), 0)).toHaveLength(3);
    expect(withoutPoint(triangle, 0)).toBeNull();
  });
});

describe('what somebody is typing', () => {
  it.each([[null], [3], [{ x: 1 }], [{ x: 0, y: 0, width: '0.', height: 1 }]])(
    'is no region: %j',
    (value) => {
      expect(asBox(value)).toBeNull();
    },
  );
  it.each([
    [null],
    [[[0, 0]]],
    [
      [
        [0, 0],
        [1, 'a'],
        [1, 1],
      ],
    ],
    ['masks'],
  ])('is no mask: %j', (value) => {
    expect(asMask(value)).toBeNull();
  });
});
