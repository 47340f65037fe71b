import { expect, it } from 'vitest';
import { SeededRandom } from '../random.ts';
import { compileKernel } from './compile-kernel.ts';
import { DoubleProduct } from './double-product.ts';
import { KERNEL_BINARY } from './kernel-binary.ts';

it('runs what the source says', async () => {
  expect(Buffer.from(await compileKernel()).toString('base64')).toBe(KERNEL_BINARY);
});

// Sizes around the blocks of the kernel: 4 rows, 4 columns.
const SIZES = [1, 2, 3, 4, 5, 9].flatMap((rows) =>
  [1, 3, 4, 7, 8].map((columns) => [rows, columns] as const),
);

it.each(SIZES)('adds float64 products of %i rows and %i columns', (rows, columns) => {
  const random = new SeededRandom(10 * rows + columns);
  for (const depth of [1, 6]) {
    const product = new DoubleProduct(rows, depth, columns);
    for (const array of [product.a, product.b, product.c])
      for (let i = 0; i < array.length; i++) array[i] = random.normal();
    const before = product.c.slice();
    product.multiply();
    before.forEach((start, at) => {
      let sum = start;
      for (let k = 0; k < depth; k++) {
        sum += product.a[Math.floor(at / columns) * depth + k]! * product.b[k * columns + (at % columns)]!;
      }
      expect(product.c[at]).toBeCloseTo(sum, 13);
    });
  }
});
