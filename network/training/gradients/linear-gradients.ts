import { sizeOf } from '../../model/graph.ts';
import { accumulateRows, fillColumns, planConvolution } from '../../model/operators/convolution.ts';
import { normalizationFactors } from '../../model/operators/normalizing.ts';
import { averageDivisor, planPooling } from '../../model/operators/pooling.ts';
import type { NodeGradient } from './gradient.ts';

/** sums[d] += row · columns[d], four columns at a time. */
function addProducts(sums: Float64Array, row: Float64Array, columns: Float64Array): void {
  const positions = row.length;
  let d = 0;
  for (; d + 4 <= sums.length; d += 4) {
    const [c0, c1, c2, c3] = [d * positions, (d + 1) * positions, (d + 2) * positions, (d + 3) * positions];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let p = 0; p < positions; p++) {
      const g = row[p]!;
      s0 += g * columns[c0 + p]!;
      s1 += g * columns[c1 + p]!;
      s2 += g * columns[c2 + p]!;
      s3 += g * columns[c3 + p]!;
    }
    sums[d]! += s0;
    sums[d + 1]! += s1;
    sums[d + 2]! += s2;
    sums[d + 3]! += s3;
  }
  for (; d < sums.length; d++) {
    for (let p = 0; p < positions; p++) sums[d]! += row[p]! * columns[d * positions + p]!;
  }
}

/** Conv: by the picture, the kernel and the bias. */
export const convolutionGradient: NodeGradient = (call, _output, gradient, wanted) => {
  const [input, weight] = [call.input(0), call.input(1)];
  const plan = planConvolution(call, input.shape, weight.shape);
  const { batch, channels, maps, groups, patch, pixels } = plan;
  const { positions, taps, index } = plan.windows;
  const depth = patch * taps;
  const columns = new Float64Array(depth * positions);
  const byInput = wanted[0] ? new Float64Array(input.data.length) : undefined;
  const byWeight = new Float64Array(weight.data.length);
  const byBias = new Float64Array(maps);
  const back = new Float64Array(positions);
  for (let n = 0; n < batch; n++) {
    for (let g = 0; g < groups; g++) {
      const start = (n * channels + g * patch) * pixels;
      fillColumns(columns, input.data.subarray(start, start + patch * pixels), plan);
      const [first, end] = [(g * maps) / groups, ((g + 1) * maps) / groups];
      for (let m = first; m < end; m++) {
        const row = (n * maps + m) * positions;
        for (let p = 0; p < positions; p++) byBias[m]! += gradient[row + p]!;
        addProducts(
          byWeight.subarray(m * depth, (m + 1) * depth),
          gradient.subarray(row, row + positions),
          columns,
        );
      }
      if (byInput === undefined) continue;
      const rows = gradient.subarray((n * maps + first) * positions, (n * maps + end) * positions);
      for (let d = 0; d < depth; d++) {
        back.fill(0);
        const shares = Float64Array.from(
          { length: end - first },
          (_, m) => weight.data[(first + m) * depth + d]!,
        );
        accumulateRows(back, shares, rows);
        const channel = start + Math.floor(d / taps) * pixels;
        const tap = (d % taps) * positions;
        for (let p = 0; p < positions; p++) {
          const at = index[tap + p]!;
          if (at >= 0) byInput[channel + at]! += back[p]!;
        }
      }
    }
  }
  return [byInput, byWeight, byBias];
};

/** A (rows × depth) · B (depth × columns), by both. */
function productGradient(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  gradient: Float64Array,
  [rows, depth, columns]: readonly [number, number, number],
): [Float64Array, Float64Array] {
  const byA = new Float64Array(rows * depth);
  const byB = new Float64Array(depth * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < depth; k++) {
      const factor = a[i * depth + k]!;
      let sum = 0;
      for (let j = 0; j < columns; j++) {
        const g = gradient[i * columns + j]!;
        sum += g * b[k * columns + j]!;
        byB[k * columns + j]! += factor * g;
      }
      byA[i * depth + k] = sum;
    }
  }
  return [byA, byB];
}

/** MatMul of a batch of rows with one matrix. */
export const matMulGradient: NodeGradient = (call, _output, gradient) => {
  const [a, b] = [call.input(0), call.input(1)];
  if (b.shape.length !== 2) call.refuse('only products with one matrix of weights are trained');
  const [depth, columns] = b.shape as [number, number];
  return productGradient(a.data, b.data, gradient, [a.data.length / depth, depth, columns]);
};

/** Gemm without transposed pictures; alpha and beta as given. */
export const gemmGradient: NodeGradient = (call, output, gradient) => {
  if (call.int('transA', 0) !== 0) call.refuse('a transposed picture is not trained');
  const [a, b] = [call.input(0), call.input(1)];
  const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)];
  const columns = output.shape[1]!;
  const [rows, depth] = a.shape as [number, number];
  const transposed = call.int('transB', 0) !== 0;
  const at = (k: number, j: number): number => (transposed ? j * depth + k : k * columns + j);
  const plain = new Float64Array(b.data.length);
  for (let k = 0; k < depth; k++)
    for (let j = 0; j < columns; j++) plain[k * columns + j] = alpha * b.data[at(k, j)]!;
  const [byA, byPlain] = productGradient(a.data, plain, gradient, [rows, depth, columns]);
  const byB = new Float64Array(b.data.length);
  for (let k = 0; k < depth; k++)
    for (let j = 0; j < columns; j++) byB[at(k, j)] = alpha * byPlain[k * columns + j]!;
  const c = call.optional(2);
  if (c === undefined) return [byA, byB];
  const byC = new Float64Array(c.data.length);
  gradient.forEach((g, i) => {
    byC[c.data.length === 1 ? 0 : c.data.length === columns ? i % columns : i]! += beta * g;
  });
  return [byA, byB, byC];
};

/** AveragePool. */
export const averagePoolGradient: NodeGradient = (call, _output, gradient) => {
  const input = call.input(0);
  const { images, pixels, windows } = planPooling(call, input.shape);
  const { positions, taps, index } = windows;
  const byInput = new Float64Array(input.data.length);
  for (let p = 0; p < positions; p++) {
    const share = 1 / averageDivisor(call, windows, p);
    for (let image = 0; image < images; image++) {
      const g = share * gradient[image * positions + p]!;
      for (let tap = 0; tap < taps; tap++) {
        const at = index[tap * positions + p]!;
        if (at >= 0) byInput[image * pixels + at]! += g;
      }
    }
  }
  return [byInput];
};

/** GlobalAveragePool. */
export const globalAveragePoolGradient: NodeGradient = (call, _output, gradient) => {
  const input = call.input(0);
  const pixels = sizeOf(input.shape.slice(2));
  return [Float64Array.from(input.data, (_, i) => gradient[Math.floor(i / pixels)]! / pixels)];
};

/** BatchNormalization by its input; its statistics, scale and shift stay as they are. */
export const batchNormalizationGradient: NodeGradient = (call, _output, gradient) => {
  const [, channels = 1, ...spatial] = call.input(0).shape;
  const pixels = sizeOf(spatial);
  const { factor } = normalizationFactors(call, channels);
  return [gradient.map((g, i) => g * factor[Math.floor(i / pixels) % channels]!)];
};
