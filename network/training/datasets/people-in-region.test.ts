import { describe, expect, it } from 'vitest';
import { countInRegion } from './people-in-region.ts';

const size = { width: 100, height: 50 };
const box = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });

describe('PeopleInRegion', () => {
  it('counts the boxes whose centre is in the region', () => {
    const two = [box(10, 10, 20, 20), box(60, 10, 20, 20)];
    const left = { x: 0, y: 0, width: 0.5, height: 1 };
    expect(countInRegion(two, size, left)).toBe(1);
    expect(countInRegion(two, size, { ...left, width: 1 })).toBe(2);
    expect(countInRegion([box(70.5, 0, 9, 50)], size, left)).toBe(0);
    // A centre on the border belongs to the part behind it.
    expect(countInRegion(two, size, { x: 0.2, y: 0.4, width: 0.5, height: 0.5 })).toBe(1);
    expect(countInRegion(two, size, { x: 0.2, y: 0.4, width: 0.51, height: 0.5 })).toBe(2);
  });
});
