import { sizeOf, type Tensor } from '../graph.ts';
import { MAX_ELEMENTS } from '../onnx/tensor-codec.ts';
import { type Call, type Operator, resolveAxis, tensorLike } from './operator.ts';

/** Strides of a row-major tensor. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = strides[d + 1]! * shape[d + 1]!;
  return strides;
}

/** Calls `visit` with the multi-index of every element of `shape`, in row-major order. */
function forEachIndex(
  shape: readonly number[],
  visit: (index: readonly number[], flat: number) => void,
): void {
  const index = new Array<number>(shape.length).fill(0);
  const size = sizeOf(shape);
  for (let flat = 0; flat < size; flat++) {
    visit(index, flat);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d]!++;
      if (index[d]! < shape[d]!) break;
      index[d] = 0;
    }
  }
}

function runTranspose(call: Call): Tensor[] {
  const input = call.input(0);
  const rank = input.shape.length;
  const order = call.ints('perm') ?? Array.from({ length: rank }, (_, d) => rank - 1 - d);
  if ([...order].sort((a, b) => a - b).join() !== Array.from({ length: rank }, (_, d) => d).join()) {
    call.refuse(`perm [${order.join(', ')}] is not a permutation of ${rank} dimensions`);
  }
  const strides = stridesOf(input.shape);
  const shape = order.map((d) => input.shape[d]!);
  const output = call.allocate(input.data.length);
  forEachIndex(shape, (index, flat) => {
    let at = 0;
    for (let d = 0; d < rank; d++) at += index[d]! * strides[order[d]!]!;
    output[flat] = input.data[at]!;
  });
  return [tensorLike(input, shape, output)];
}

function runConcat(call: Call): Tensor[] {
  const first = call.input(0);
  const axis = resolveAxis(call, call.int('axis', 1), first.shape.length);
  const tensors = call.inputs.map((_, i) => call.input(i));
  const shape = [...first.shape];
  shape[axis] = 0;
  for (const tensor of tensors) {
    if (tensor.shape.length !== shape.length || tensor.shape.some((e, d) => d !== axis && e !== shape[d])) {
      call.refuse(
        `shapes ${tensors.map((t) => t.shape.join('×')).join(', ')} do not join along axis ${axis}`,
      );
    }
    shape[axis] += tensor.shape[axis]!;
  }
  const inner = sizeOf(shape.slice(axis + 1));
  const output = call.allocate(sizeOf(shape));
  let at = 0;
  for (let outer = 0; outer < sizeOf(shape.slice(0, axis)); outer++) {
    for (const tensor of tensors) {
      const run = tensor.shape[axis]! * inner;
      output.set(tensor.data.subarray(outer * run, (outer + 1) * run), at);
      at += run;
    }
  }
  return [tensorLike(first, shape, output)];
}

function runSlice(call: Call): Tensor[] {
  const input = call.input(0);
  const rank = input.shape.length;
  const starts = call.intsOrInput('starts', 1) ?? call.refuse("'starts' is missing");
  const ends = call.intsOrInput('ends', 2) ?? call.refuse("'ends' is missing");
  const axes = call.intsOrInput('axes', 3) ?? starts.map((_, d) => d);
  const steps = call.optional(4)?.data ?? starts.map(() => 1);
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length) {
    call.refuse('starts, ends, axes and steps differ in length');
  }
  const from = new Array<number>(rank).fill(0);
  const step = new Array<number>(rank).fill(1);
  const shape = [...input.shape];
  axes.forEach((given, i) => {
    const d = resolveAxis(call, given, rank);
    const extent = input.shape[d]!;
    const by = steps[i]!;
    if (by === 0) call.refuse('a step of 0 never ends');
    const clamp = (value: number): number => {
      const positive = value < 0 ? value + extent : value;
      return by > 0 ? Math.min(Math.max(positive, 0), extent) : Math.min(Math.max(positive, -1), extent - 1);
    };
    from[d] = clamp(starts[i]!);
    step[d] = by;
    shape[d] = Math.max(0, Math.ceil((clamp(ends[i]!) - from[d]!) / by));
  });
  const strides = stridesOf(input.shape);
  const output = call.allocate(sizeOf(shape));
  forEachIndex(shape, (index, flat) => {
    let at = 0;
    for (let d = 0; d < rank; d++) at += (from[d]! + index[d]! * step[d]!) * strides[d]!;
    output[flat] = input.data[at]!;
  });
  return [tensorLike(input, shape, output)];
}

/** The source of a padded coordinate, −1 for the constant. */
function paddingSource(at: number, extent: number, mode: string): number {
  if (at >= 0 && at < extent) return at;
  switch (mode) {
    case 'edge':
      return at < 0 ? 0 : extent - 1;
    case 'reflect': {
      const period = Math.max(1, 2 * (extent - 1));
      const folded = ((at % period) + period) % period;
      return folded < extent ? folded : period - folded;
    }
    case 'wrap':
      return ((at % extent) + extent) % extent;
    default:
      return -1;
  }
}

function runPad(call: Call): Tensor[] {
  const input = call.input(0);
  const rank = input.shape.length;
  const mode = call.string('mode', 'constant');
  if (!['constant', 'edge', 'reflect', 'wrap'].includes(mode)) call.refuse(`mode '${mode}' is unknown`);
  const given = call.intsOrInput('pads', 1) ?? call.ints('paddings') ?? call.refuse("'pads' is missing");
  const value = call.optional(2)?.data[0] ?? call.float('value', 0);
  const axes = [...(call.optional(3)?.data ?? input.shape.keys())].map((axis) =>
    resolveAxis(call, axis, rank),
  );
  if (given.length !== 2 * axes.length) call.refuse(`${given.length} pads for ${axes.length} dimensions`);
  const begin = new Array<number>(rank).fill(0);
  const shape = [...input.shape];
  axes.forEach((d, i) => {
    begin[d] = given[i]!;
    shape[d] = shape[d]! + given[i]! + given[i + axes.length]!;
  });
  if (shape.some((extent) => !(extent >= 0)) || sizeOf(shape) > MAX_ELEMENTS) {
    call.refuse(`padding to ${shape.join('×')} is not possible`);
  }
  const strides = stridesOf(input.shape);
  const output = call.allocate(sizeOf(shape));
  forEachIndex(shape, (index, flat) => {
    let at = 0;
    for (let d = 0; d < rank && at >= 0; d++) {
      const source = paddingSource(index[d]! - begin[d]!, input.shape[d]!, mode);
      at = source < 0 ? -1 : at + source * strides[d]!;
    }
    output[flat] = at < 0 ? value : input.data[at]!;
  });
  return [tensorLike(input, shape, output)];
}

/** Operators that only move values (and, in Pad, insert a constant). */
export const arranging: Readonly<Record<string, Operator>> = {
  Transpose: { attributes: ['perm'], arity: [1, 1], run: runTranspose },
  Concat: { attributes: ['axis'], arity: [1, 1024], run: runConcat },
  Slice: { attributes: ['starts', 'ends', 'axes'], arity: [1, 5], run: runSlice },
  Pad: { attributes: ['mode', 'pads', 'paddings', 'value'], arity: [1, 4], run: runPad },
};
