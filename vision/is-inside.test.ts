import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInside } from './is-inside.ts';

describe('isInside', () => {
  it('holds where a polygon bends', () => {
    const corners = [
      [0, 0],
      [0.5, 0],
      [0.5, 0.5],
      [1, 0.5],
      [1, 1],
      [0, 1],
    ] as const;
    expect(isInside({ x: 0.25, y: 0.25 }, corners)).toBe(true);
    expect(isInside({ x: 0.75, y: 0.75 }, corners)).toBe(true);
    expect(isInside({ x: 0.75, y: 0.25 }, corners)).toBe(false);
    expect(isInside({ x: -0.1, y: 0.5 }, corners)).toBe(false);
  });

  it('puts a point on a shared edge into one of two', () => {
    const part = (from: number, to: number) =>
      [
        [from, 0],
        [to, 0],
        [to, 1],
        [from, 1],
      ] as const;
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(unit, unit, fc.constantFrom(0.25, 0.5, 0.7), fc.boolean(), (x, y, edge, on) => {
        const point = { x: on ? edge : x, y };
        expect([part(0, edge), part(edge, 1)].filter((one) => isInside(point, one))).toHaveLength(1);
      }),
    );
  });
});
