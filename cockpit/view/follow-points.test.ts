import { expect, it } from 'vitest';
import { followPoints } from './follow-points.ts';

const car = (x: number, y: number) => ({ label: 'car', x, y });

it('follows what moves a little, and takes what is far or of another label for something else', () => {
  const first = followPoints([], [car(0.1, 0.5), car(0.5, 0.5)]);
  expect(first.map(({ id }) => id)).toEqual([1, 2]);
  // In another order, moved; the third appeared.
  const second = followPoints(first, [car(0.55, 0.5), car(0.9, 0.9), car(0.15, 0.5)]);
  expect(second.map(({ id }) => id)).toEqual([2, 3, 1]);
  const third = followPoints(second, [{ label: 'bus', x: 0.55, y: 0.5 }, car(0.16, 0.5)]);
  expect(third.map(({ id }) => id)).toEqual([4, 1]);
});

it('gives the nearest of two the number', () => {
  const before = followPoints([], [car(0.5, 0.5)]);
  expect(followPoints(before, [car(0.6, 0.5), car(0.52, 0.5)]).map(({ id }) => id)).toEqual([2, 1]);
});
