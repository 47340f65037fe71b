import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { type Affine, AffineBuilder, applyAffine } from './affine.ts';
import { addAffine, composeAffine } from './merge-linear-neighbors.ts';

const random = new SeededRandom(5);

/** A sparse map in which about one entry in three exists, some of them zero. */
function sparse(rows: number, columns: number): Affine {
  const builder = new AffineBuilder(columns);
  for (let row = 0; row < rows; row++) {
    for (let column = columns - 1; column >= 0; column--)
      if (random.uniform() < 1 / 3) builder.entry(column, random.uniform() < 0.2 ? 0 : random.normal());
    builder.endRow(random.normal());
  }
  return builder.build();
}

/** For each row the columns that it connects. */
function pattern({ rows, start, column }: Affine): number[][] {
  return Array.from({ length: rows }, (_, row) => [...column.subarray(start[row], start[row + 1])]);
}

function expectEqual(actual: Float64Array, expected: Float64Array): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 10);
  });
}

describe('MergeLinearNeighbors', () => {
  it('makes one map of two that follow each other', () => {
    const [inner, outer] = [sparse(7, 9), sparse(4, 7)];
    const merged = composeAffine(outer, inner);
    for (let trial = 0; trial < 5; trial++) {
      const x = Float64Array.from({ length: 9 }, () => random.normal());
      expectEqual(applyAffine(merged, x), applyAffine(outer, applyAffine(inner, x)));
    }
  });

  it('makes one map of two that are added', () => {
    const [a, b] = [sparse(5, 9), sparse(5, 9)];
    const x = Float64Array.from({ length: 9 }, () => random.normal());
    const expected = applyAffine(a, x).map((value, i) => value + applyAffine(b, x)[i]!);
    expectEqual(applyAffine(addAffine(a, b), x), expected);
  });

  it('connects what the structure connects, whatever the weights', () => {
    const [inner, outer] = [sparse(7, 9), sparse(4, 7)];
    const zero = (affine: Affine): Affine => ({ ...affine, weight: affine.weight.map(() => 0) });
    expect(pattern(composeAffine(zero(outer), zero(inner)))).toEqual(pattern(composeAffine(outer, inner)));
    expect(pattern(addAffine(zero(inner), zero(inner)))).toEqual(pattern(inner));
    for (const columns of pattern(composeAffine(outer, inner)))
      expect(columns).toEqual([...new Set(columns)].sort((a, b) => a - b));
  });
});
