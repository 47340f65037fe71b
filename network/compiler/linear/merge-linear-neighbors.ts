import { type Affine, AffineBuilder } from './affine.ts';

/** outer(inner(x)) as one map; the pattern is the product of the patterns. */
export function composeAffine(outer: Affine, inner: Affine): Affine {
  const builder = new AffineBuilder(inner.columns);
  const sums = new Float64Array(inner.columns);
  const seenIn = new Int32Array(inner.columns).fill(-1);
  for (let row = 0; row < outer.rows; row++) {
    const touched: number[] = [];
    let bias = outer.bias[row]!;
    for (let e = outer.start[row]!; e < outer.start[row + 1]!; e++) {
      const middle = outer.column[e]!;
      const factor = outer.weight[e]!;
      bias += factor * inner.bias[middle]!;
      for (let i = inner.start[middle]!; i < inner.start[middle + 1]!; i++) {
        const column = inner.column[i]!;
        if (seenIn[column] !== row) {
          seenIn[column] = row;
          sums[column] = 0;
          touched.push(column);
        }
        sums[column]! += factor * inner.weight[i]!;
      }
    }
    for (const column of touched.sort((a, b) => a - b)) builder.entry(column, sums[column]!);
    builder.endRow(bias);
  }
  return builder.build();
}

/** x ↦ a(x) + b(x). */
export function addAffine(a: Affine, b: Affine): Affine {
  const builder = new AffineBuilder(a.columns);
  for (let row = 0; row < a.rows; row++) {
    const sums = new Map<number, number>();
    for (const { start, column, weight } of [a, b]) {
      for (let e = start[row]!; e < start[row + 1]!; e++)
        sums.set(column[e]!, (sums.get(column[e]!) ?? 0) + weight[e]!);
    }
    for (const [column, weight] of sums) builder.entry(column, weight);
    builder.endRow(a.bias[row]! + b.bias[row]!);
  }
  return builder.build();
}
