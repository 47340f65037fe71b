import { beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../random.ts';
import { Workspace } from './workspace.ts';

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.create(2 ** 22);
});

function filled(random: SeededRandom, size: number): Float32Array {
  const array = workspace.allocate(size);
  for (let i = 0; i < size; i++) array[i] = random.normal();
  return array;
}

/** Σ a · b by definition, in float64. */
function product(
  rows: number,
  depth: number,
  columns: number,
  a: (i: number, k: number) => number,
  b: (k: number, j: number) => number,
): number[] {
  return Array.from({ length: rows * columns }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < depth; k++) sum += a(Math.floor(at / columns), k) * b(k, at % columns);
    return sum;
  });
}

describe('Workspace', () => {
  // Sizes around the blocks of the kernel: 4 rows, 8 columns, 4 of depth, 2 × 2.
  const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 17].flatMap((rows) =>
    [1, 3, 4, 6, 13].map((depth) => [rows, depth]),
  );
  it.each(sizes)('multiplies %i × %i matrices in all three forms', (rows, depth) => {
    const random = new SeededRandom(rows * 100 + depth);
    for (const columns of [1, 2, 5, 8, 11, 16, 27]) {
      const a = filled(random, rows * depth);
      const b = filled(random, depth * columns);
      const c = workspace.allocate(rows * columns);
      const check = (actual: Float32Array, expected: number[]): void => {
        const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(actual[i]! - value)), 0);
        expect(worst).toBeLessThan(1e-5 * (1 + depth));
      };
      workspace.multiply(c, a, b, rows, depth, columns);
      const plain = product(
        rows,
        depth,
        columns,
        (i, k) => a[i * depth + k]!,
        (k, j) => b[k * columns + j]!,
      );
      check(c, plain);
      workspace.multiply(c, a, b, rows, depth, columns, true);
      check(
        c,
        plain.map((value) => 2 * value),
      );
      workspace.multiplyLeftTransposed(c, a, b, rows, depth, columns);
      check(
        c,
        product(
          rows,
          depth,
          columns,
          (i, k) => a[k * rows + i]!,
          (k, j) => b[k * columns + j]!,
        ),
      );
      workspace.multiplyRightTransposed(c, a, b, rows, depth, columns);
      check(
        c,
        product(
          rows,
          depth,
          columns,
          (i, k) => a[i * depth + k]!,
          (k, j) => b[j * depth + k]!,
        ),
      );
    }
  });

  it('refuses arrays that live elsewhere', () => {
    const [a, b] = [workspace.allocate(4), workspace.allocate(4)];
    expect(() => workspace.multiply(new Float32Array(4), a, b, 2, 2, 2)).toThrow('outside its workspace');
  });

  it('refuses more than it reserved', () => {
    expect(() => workspace.allocate(2 ** 22)).toThrow('more memory than reserved');
  });
});
