import { sizeOf, type Tensor } from '../graph.ts';
import { broadcastIndex, broadcastShape } from './broadcast.ts';
import { type Call, type Operator, tensorLike } from './operator.ts';

/** C (rows × columns) += A (rows × depth) · B (depth × columns), all row-major. */
export function multiplyAccumulate(
  c: Float64Array,
  a: Float32Array | Float64Array,
  b: Float32Array | Float64Array,
  rows: number,
  depth: number,
  columns: number,
): void {
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < depth; k++) {
      const factor = a[i * depth + k]!;
      if (factor === 0) continue;
      const row = k * columns;
      const out = i * columns;
      for (let j = 0; j < columns; j++) c[out + j]! += factor * b[row + j]!;
    }
  }
}

function transposed(call: Call, matrix: Tensor): Tensor {
  const [rows = 0, columns = 0] = matrix.shape;
  const data = call.allocate(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) data[j * rows + i] = matrix.data[i * columns + j]!;
  return tensorLike(matrix, [columns, rows], data);
}

/** The factors of a Gemm as plain matrices: A, B untransposed, C or nothing. */
export function gemmFactors(call: Call, a: Tensor, b: Tensor): { a: Tensor; b: Tensor } {
  if (a.shape.length !== 2 || b.shape.length !== 2) {
    call.refuse(`${a.shape.join('×')} times ${b.shape.join('×')}: expected two matrices`);
  }
  const left = call.int('transA', 0) !== 0 ? transposed(call, a) : a;
  const right = call.int('transB', 0) !== 0 ? transposed(call, b) : b;
  if (left.shape[1] !== right.shape[0]) {
    call.refuse(`${left.shape.join('×')} times ${right.shape.join('×')}: inner dimensions differ`);
  }
  return { a: left, b: right };
}

function runGemm(call: Call): Tensor[] {
  const { a, b } = gemmFactors(call, call.input(0), call.input(1));
  const [rows = 0, depth = 0] = a.shape;
  const columns = b.shape[1]!;
  const output = call.allocate(rows * columns);
  call.spend(rows * depth * columns);
  multiplyAccumulate(output, a.data, b.data, rows, depth, columns);
  const alpha = call.float('alpha', 1);
  if (alpha !== 1) for (let i = 0; i < output.length; i++) output[i]! *= alpha;
  const c = call.optional(2);
  if (c !== undefined) {
    const beta = call.float('beta', 1);
    const index = broadcastIndex(call, c.shape, [rows, columns]);
    for (let i = 0; i < output.length; i++) output[i]! += beta * c.data[index[i]!]!;
  }
  return [tensorLike(a, [rows, columns], output)];
}

function runMatMul(call: Call): Tensor[] {
  const left = call.input(0);
  const right = call.input(1);
  if (left.shape.length === 0 || right.shape.length === 0) call.refuse('a scalar is not a matrix');
  const a = left.shape.length === 1 ? [1, ...left.shape] : left.shape;
  const b = right.shape.length === 1 ? [...right.shape, 1] : right.shape;
  const [rows, depth] = [a.at(-2)!, a.at(-1)!];
  const columns = b.at(-1)!;
  if (b.at(-2) !== depth) call.refuse(`${a.join('×')} times ${b.join('×')}: inner dimensions differ`);
  const batch = broadcastShape(call, a.slice(0, -2), b.slice(0, -2));
  const indexA = broadcastIndex(call, a.slice(0, -2), batch);
  const indexB = broadcastIndex(call, b.slice(0, -2), batch);
  const output = call.allocate(sizeOf(batch) * rows * columns);
  call.spend(output.length * depth);
  for (let n = 0; n < sizeOf(batch); n++) {
    multiplyAccumulate(
      output.subarray(n * rows * columns, (n + 1) * rows * columns),
      left.data.subarray(indexA[n]! * rows * depth),
      right.data.subarray(indexB[n]! * depth * columns),
      rows,
      depth,
      columns,
    );
  }
  const shape = [...batch];
  if (left.shape.length > 1) shape.push(rows);
  if (right.shape.length > 1) shape.push(columns);
  return [tensorLike(left, shape, output)];
}

/** Gemm: alpha · A · B + beta · C. */
export const gemm: Operator = {
  attributes: ['alpha', 'beta', 'transA', 'transB', 'broadcast'],
  arity: [2, 3],
  run: runGemm,
};

/** MatMul as numpy's, batches broadcast. */
export const matMul: Operator = { attributes: [], arity: [2, 2], run: runMatMul };
