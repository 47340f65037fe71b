import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { type CostTable, eliminate } from './eliminate.ts';

const SIZES = new Map([
  [1, 3],
  [2, 2],
  [3, 4],
  [4, 3],
  [5, 2],
]);

function table(random: SeededRandom, scope: readonly number[]): CostTable {
  const length = scope.reduce((size, one) => size * SIZES.get(one)!, 1);
  const values = Float64Array.from({ length }, () => Math.floor(100 * random.uniform()));
  // Some choices are impossible.
  return { scope, values: values.map((value) => (value < 10 ? Number.POSITIVE_INFINITY : value)) };
}

function costOf(tables: readonly CostTable[], chosen: ReadonlyMap<number, number>): number {
  return tables.reduce(
    (sum, { scope, values }) =>
      sum + values[scope.reduce((index, one) => index * SIZES.get(one)! + chosen.get(one)!, 0)]!,
    0,
  );
}

function leastCost(tables: readonly CostTable[]): number {
  let least = Number.POSITIVE_INFINITY;
  const choose = (chosen: ReadonlyMap<number, number>, [one, ...rest]: readonly number[]): void => {
    if (one === undefined) least = Math.min(least, costOf(tables, chosen));
    else for (let c = 0; c < SIZES.get(one)!; c++) choose(new Map([...chosen, [one, c]]), rest);
  };
  choose(new Map(), [...SIZES.keys()]);
  return least;
}

describe('Eliminate', () => {
  it('finds the least sum where variables form a chain, a tree, residual blocks, or all meet', () => {
    const random = new SeededRandom(3);
    const shapes = [
      [
        [1, 2],
        [2, 3],
        [3, 4],
        [4, 5],
      ],
      [[1, 2], [1, 3], [3, 4], [5, 3], [2]],
      [[1], [1, 2], [2, 3], [1, 3], [3, 4], [4, 5], [5, 3]],
      [[1, 2], [1, 3], [1, 4], [1, 5], [2, 3], [4, 2], [2, 5], [3, 4], [5, 3], [4, 5], [3]],
    ];
    for (const scopes of shapes) {
      for (let round = 0; round < 5; round++) {
        const tables = scopes.map((scope) => table(random, scope));
        const least = leastCost(tables);
        const chosen = eliminate(SIZES, [5, 4, 3, 2, 1], tables);
        expect(chosen === null ? Number.POSITIVE_INFINITY : costOf(tables, chosen)).toBe(least);
      }
    }
  });

  it('leaves out the last tables where a sum would be too large', () => {
    const sizes = new Map([1, 2, 3, 4].map((one) => [one, 100]));
    const make = (scope: readonly number[], factor: number): CostTable => ({
      scope,
      values: Float64Array.from(
        { length: 10_000 },
        (_, i) => factor * Math.abs((i % 100) - (Math.floor(i / 100) || 7)),
      ),
    });
    const tables = [make([1, 4], 3), make([2, 4], 2), make([3, 4], 1)];
    const chosen = eliminate(sizes, [4, 3, 2, 1], tables)!;
    expect([...chosen.keys()].sort()).toEqual([1, 2, 3, 4]);
  });

  it('is none where nothing is possible', () => {
    const values = new Float64Array(3).fill(Number.POSITIVE_INFINITY);
    expect(eliminate(new Map([[1, 3]]), [1], [{ scope: [1], values }])).toBe(null);
  });
});
