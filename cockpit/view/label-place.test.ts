import { expect, it } from 'vitest';
import { labelPlace } from './label-place.ts';

it('puts a name below a slanted edge, right of the left side', () => {
  const rectangle = [
    [10, 10],
    [90, 10],
    [90, 50],
    [10, 50],
  ] as const;
  expect(labelPlace(rectangle, 10)).toEqual({ x: 15, y: 23 });
  const slanted = [
    [10, 30],
    [90, 10],
    [90, 90],
    [10, 90],
  ] as const;
  expect(labelPlace(slanted, 10)).toEqual({ x: 15, y: 43 });
  // A left side that leans: the name begins where it is at that height.
  const leaning = [
    [0, 0],
    [80, 0],
    [80, 100],
    [50, 100],
  ] as const;
  expect(labelPlace(leaning, 10)).toEqual({ x: 11.5, y: 13 });
});

it('stays in the upper half of what ends in a point', () => {
  const { x, y } = labelPlace(
    [
      [50, 0],
      [100, 100],
      [0, 100],
    ],
    10,
  );
  expect(y).toBe(63);
  expect(x).toBeCloseTo(50 - 31.5 + 5);
});
