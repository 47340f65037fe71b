import { expect } from 'vitest';

/** Not toEqual: it is slow on long arrays, and one index says more than two thousand lines. */
export function expectSame(actual: Uint32Array | Int32Array, expected: ArrayLike<number>): void {
  const at = actual.findIndex((value: number, i: number) => value !== expected[i]);
  expect({ at, value: actual[at], expected: expected[at] }).toEqual({ at: -1 });
  expect(actual.length).toBe(expected.length);
}
