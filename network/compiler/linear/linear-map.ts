import { type Node, sizeOf, type Tensor } from '#network/model/graph.ts';
import { planConvolution } from '#network/model/operators/convolution.ts';
import { gemmFactors } from '#network/model/operators/matrix.ts';
import { normalizationFactors } from '#network/model/operators/normalizing.ts';
import type { Call } from '#network/model/operators/operator.ts';
import { planReduction, reductionShare } from '#network/model/operators/reducing.ts';
import { operatorOf } from '#network/model/operators/table.ts';
import { type Affine, AffineBuilder, checkEntries } from './affine.ts';
import type { LinearInput, LinearMap, LinearRule } from './linear-rule.ts';
import { globalPoolingMap, poolingMap } from './linearize-pooling.ts';

function convolution(call: Call, { position, shape }: LinearInput): LinearMap {
  if (position !== 0) call.refuse('the kernel must be constant');
  const weight = call.input(1);
  const bias = call.optional(2);
  const plan = planConvolution(call, shape, weight.shape);
  const { maps, groups, patch, pixels } = plan;
  const { taps, positions, index } = plan.windows;
  // Counted first: filling arrays of the right size lowers the 37 million entries of ResNet-20 in 3.2 s, growing them in 6.0 s (one core).
  const { length } = index.filter((at) => at >= 0);
  const count = maps * patch * length;
  checkEntries(count);
  const start = new Int32Array(maps * positions + 1);
  const column = new Int32Array(count);
  const entries = new Float64Array(count);
  const biases = new Float64Array(maps * positions);
  let row = 0;
  let e = 0;
  for (let m = 0; m < maps; m++) {
    const firstChannel = Math.floor((m * groups) / maps) * patch;
    for (let p = 0; p < positions; p++) {
      for (let c = 0; c < patch; c++) {
        for (let tap = 0; tap < taps; tap++) {
          const at = index[tap * positions + p]!;
          if (at < 0) continue;
          column[e] = (firstChannel + c) * pixels + at;
          entries[e++] = weight.data[(m * patch + c) * taps + tap]!;
        }
      }
      biases[row] = bias?.data[m] ?? 0;
      start[++row] = e;
    }
  }
  const affine = { rows: row, columns: sizeOf(shape), start, column, weight: entries, bias: biases };
  return { affine, shape: [1, maps, ...plan.windows.shape] };
}

/** y = x · B (+ C) for one row x, or for each row of a matrix x. */
function rowsTimes(
  shape: readonly number[],
  b: Tensor,
  factor: number,
  bias: ArrayLike<number> | undefined,
): Affine {
  const [depth = 0, columns = 0] = b.shape;
  const rows = sizeOf(shape) / depth;
  const builder = new AffineBuilder(sizeOf(shape));
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < columns; j++) {
      for (let k = 0; k < depth; k++) builder.entry(row * depth + k, factor * b.data[k * columns + j]!);
      builder.endRow(bias?.[row * columns + j] ?? 0);
    }
  }
  return builder.build();
}

function gemm(call: Call, { position, shape, withData }: LinearInput): LinearMap {
  if (position !== 0 || call.int('transA', 0) !== 0)
    call.refuse('only picture · weights (A variable, B and C constant) is supported');
  const zero = withData(new Float64Array(sizeOf(shape)));
  const { b } = gemmFactors(call, zero.input(0), call.input(1));
  const [bias] = operatorOf(call.node).run(zero);
  return { affine: rowsTimes(shape, b, call.float('alpha', 1), bias!.data), shape: bias!.shape };
}

function matMul(call: Call, { position, shape }: LinearInput): LinearMap {
  const weights = call.input(1 - position);
  if (position !== 0 || weights.shape.length !== 2 || weights.shape[0] !== shape.at(-1)) {
    call.refuse('only picture · weights with a matrix of weights is supported');
  }
  return {
    affine: rowsTimes(shape, weights, 1, undefined),
    shape: [...shape.slice(0, -1), weights.shape[1]!],
  };
}

function batchNormalization(call: Call, { position, shape }: LinearInput): LinearMap {
  if (position !== 0) call.refuse('scale, bias, mean and variance must be constant');
  const channels = shape[1] ?? 1;
  const pixels = sizeOf(shape.slice(2));
  const { factor, summand } = normalizationFactors(call, channels);
  const builder = new AffineBuilder(sizeOf(shape));
  for (let i = 0; i < sizeOf(shape); i++) {
    const c = Math.floor(i / pixels) % channels;
    builder.entry(i, factor[c]!);
    builder.endRow(summand[c]!);
  }
  return { affine: builder.build(), shape };
}

/** Element by element: a · x + b, found by evaluating the operator at 0 and 1. */
function elementwise(call: Call, { position, shape, withData }: LinearInput): LinearMap {
  if (call.node.operator === 'Div' && position !== 0)
    call.refuse('division by a value that depends on the picture');
  const size = sizeOf(shape);
  const operator = operatorOf(call.node);
  const [atZero] = operator.run(withData(new Float64Array(size)));
  const [atOne] = operator.run(withData(new Float64Array(size).fill(1)));
  if (sizeOf(atZero!.shape) !== size) call.refuse('a constant that enlarges the picture is not supported');
  const builder = new AffineBuilder(size);
  for (let i = 0; i < size; i++) {
    builder.entry(i, atOne!.data[i]! - atZero!.data[i]!);
    builder.endRow(atZero!.data[i]!);
  }
  return { affine: builder.build(), shape: atZero!.shape };
}

/** Moves values: the source of each output is found by feeding the operator its own indices. */
function arrangement(call: Call, { position, shape, withData }: LinearInput): LinearMap {
  if (position !== 0) call.refuse('shapes and positions must be constant');
  const size = sizeOf(shape);
  const operator = operatorOf(call.node);
  const [constant] = operator.run(withData(new Float64Array(size)));
  const [indexed] = operator.run(withData(Float64Array.from({ length: size }, (_, i) => i + 1)));
  const builder = new AffineBuilder(size);
  indexed!.data.forEach((value, i) => {
    const source = value - constant!.data[i]! - 1;
    if (source >= 0) builder.entry(source, 1);
    builder.endRow(constant!.data[i]!);
  });
  return { affine: builder.build(), shape: indexed!.shape };
}

/** Means and sums over axes of one picture. */
function reduction(call: Call, { position, shape }: LinearInput): LinearMap {
  if (position !== 0) call.refuse('axes must be constant');
  const plan = planReduction(call, shape);
  const sources = Array.from({ length: sizeOf(plan.shape) }, (): number[] => []);
  plan.target.forEach((output, i) => {
    sources[output]!.push(i);
  });
  const share = reductionShare(call, plan);
  const builder = new AffineBuilder(sizeOf(shape));
  for (const row of sources) {
    for (const source of row) builder.entry(source, share);
    builder.endRow(0);
  }
  if (plan.shape[0] !== 1) call.refuse('a mean or sum over the pictures of a batch; reduce over other axes');
  return { affine: builder.build(), shape: plan.shape };
}

/** Operators that are linear in one input if the others are constant. */
export const LINEAR_RULES: ReadonlyMap<Node['operator'], LinearRule> = new Map<string, LinearRule>([
  ['Conv', convolution],
  ['AveragePool', poolingMap],
  ['GlobalAveragePool', globalPoolingMap],
  ['ReduceMean', reduction],
  ['ReduceSum', reduction],
  ['Gemm', gemm],
  ['MatMul', matMul],
  ['BatchNormalization', batchNormalization],
  ...['Add', 'Sub', 'Mul', 'Div'].map((name): [string, LinearRule] => [name, elementwise]),
  ...[
    'Transpose',
    'Slice',
    'Pad',
    'Concat',
    'Dropout',
    'Identity',
    'Reshape',
    'Flatten',
    'Squeeze',
    'Unsqueeze',
    'SpaceToDepth',
  ].map((name): [string, LinearRule] => [name, arrangement]),
]);
