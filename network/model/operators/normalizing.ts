import { sizeOf, type Tensor } from '../graph.ts';
import { type Call, type Operator, resolveAxis, tensorLike } from './operator.ts';

/** Factor and summand that batch normalization (inference) applies to each channel. */
export function normalizationFactors(
  call: Call,
  channels: number,
): { factor: Float64Array; summand: Float64Array } {
  if (call.int('training_mode', 0) !== 0) {
    call.refuse('training mode is not supported; export the network for inference (model.eval())');
  }
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => call.input(i).data);
  if ([scale, bias, mean, variance].some((values) => values?.length !== channels)) {
    call.refuse(`scale, bias, mean and variance must have ${channels} values`);
  }
  const epsilon = call.float('epsilon', 1e-5);
  const factor = Float64Array.from(scale!, (s, c) => s / Math.sqrt(variance![c]! + epsilon));
  return { factor, summand: Float64Array.from(bias!, (b, c) => b - mean![c]! * factor[c]!) };
}

/** Mean and variance of every channel of a batch. */
function batchStatistics(input: Tensor): { mean: Float64Array; variance: Float64Array } {
  const [batch = 0, channels = 1, ...spatial] = input.shape;
  const pixels = sizeOf(spatial);
  const mean = new Float64Array(channels);
  const variance = new Float64Array(channels);
  const each = (visit: (channel: number, value: number) => void): void =>
    input.data.forEach((value, i) => {
      visit(Math.floor(i / pixels) % channels, value);
    });
  each((c, value) => {
    mean[c]! += value / (batch * pixels);
  });
  each((c, value) => {
    variance[c]! += (value - mean[c]!) ** 2 / (batch * pixels);
  });
  return { mean, variance };
}

/** Normalizes by the batch itself and moves the running statistics: for conformance only; networks here run inference. */
function runTrainingNormalization(call: Call): Tensor[] {
  const input = call.input(0);
  const [, channels = 1, ...spatial] = input.shape;
  const pixels = sizeOf(spatial);
  const { mean, variance } = batchStatistics(input);
  const momentum = call.float('momentum', 0.9);
  const epsilon = call.float('epsilon', 1e-5);
  const [scale, bias] = [call.input(1).data, call.input(2).data];
  const output = Float64Array.from(input.data, (value, i) => {
    const c = Math.floor(i / pixels) % channels;
    return ((value - mean[c]!) / Math.sqrt(variance[c]! + epsilon)) * scale[c]! + bias[c]!;
  });
  const running = (index: number, now: Float64Array): Tensor => {
    const before = call.input(index);
    const data = now.map((value, c) => momentum * before.data[c]! + (1 - momentum) * value);
    return tensorLike(before, before.shape, data);
  };
  return [tensorLike(input, input.shape, output), running(3, mean), running(4, variance)];
}

function runBatchNormalization(call: Call): Tensor[] {
  if (call.int('training_mode', 0) !== 0) return runTrainingNormalization(call);
  const input = call.input(0);
  const [batch = 0, channels = 1, ...spatial] = input.shape;
  const { factor, summand } = normalizationFactors(call, channels);
  const pixels = sizeOf(spatial);
  const output = call.allocate(input.data.length);
  for (let image = 0; image < batch * channels; image++) {
    const c = image % channels;
    for (let at = image * pixels; at < (image + 1) * pixels; at++) {
      output[at] = input.data[at]! * factor[c]! + summand[c]!;
    }
  }
  return [tensorLike(input, input.shape, output)];
}

/** Visits each run of values along the softmax axis: first flat index, stride, length. */
function alongAxis(
  call: Call,
  shape: readonly number[],
  visit: (first: number, stride: number, length: number) => void,
): void {
  // Before operator set 13, Softmax flattened everything from the axis on; since then it is one axis.
  const modern = call.opset >= 13;
  const axis = resolveAxis(call, call.int('axis', modern ? -1 : 1), shape.length);
  const length = modern ? (shape[axis] ?? 1) : sizeOf(shape.slice(axis));
  const stride = modern ? sizeOf(shape.slice(axis + 1)) : 1;
  const block = length * stride;
  for (let start = 0; start < sizeOf(shape); start += block) {
    for (let inner = 0; inner < stride; inner++) visit(start + inner, stride, length);
  }
}

function runSoftmax(call: Call): Tensor[] {
  const input = call.input(0);
  const output = call.allocate(input.data.length);
  alongAxis(call, input.shape, (first, stride, length) => {
    let largest = -Infinity;
    for (let i = 0; i < length; i++) largest = Math.max(largest, input.data[first + i * stride]!);
    let sum = 0;
    for (let i = 0; i < length; i++) {
      output[first + i * stride] = Math.exp(input.data[first + i * stride]! - largest);
      sum += output[first + i * stride]!;
    }
    for (let i = 0; i < length; i++) output[first + i * stride]! /= sum;
  });
  return [tensorLike(input, input.shape, output)];
}

function runArgMax(call: Call): Tensor[] {
  const input = call.input(0);
  const axis = resolveAxis(call, call.int('axis', 0), input.shape.length);
  const length = input.shape[axis] ?? 1;
  const stride = sizeOf(input.shape.slice(axis + 1));
  const last = call.int('select_last_index', 0) !== 0;
  const shape = input.shape.flatMap((e, d) => (d !== axis ? [e] : call.int('keepdims', 1) !== 0 ? [1] : []));
  const output = call.allocate(sizeOf(shape));
  for (let i = 0; i < output.length; i++) {
    const first = Math.floor(i / stride) * length * stride + (i % stride);
    for (let k = 1; k < length; k++) {
      const best = input.data[first + output[i]! * stride]!;
      const value = input.data[first + k * stride]!;
      if (value > best || (last && value === best)) output[i] = k;
    }
  }
  return [{ type: 'int64', shape, data: output }];
}

/** Batch normalization for inference, and the reductions that end a classifier. */
export const normalizing: Readonly<Record<string, Operator>> = {
  BatchNormalization: {
    attributes: ['epsilon', 'momentum', 'training_mode', 'spatial', 'is_test'],
    arity: [5, 5],
    run: runBatchNormalization,
  },
  Softmax: { attributes: ['axis'], arity: [1, 1], run: runSoftmax },
  ArgMax: { attributes: ['axis', 'keepdims', 'select_last_index'], arity: [1, 1], run: runArgMax },
};
