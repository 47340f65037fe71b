import { sizeOf, type Tensor } from '../graph.ts';
import { type Call, type Operator, resolveAxis } from './operator.ts';

function reshaped(call: Call, input: Tensor, shape: readonly number[]): Tensor[] {
  if (sizeOf(shape) !== sizeOf(input.shape)) {
    call.refuse(`${input.shape.join('×')} cannot become ${shape.join('×')}: the sizes differ`);
  }
  return [{ ...input, shape }];
}

function runReshape(call: Call): Tensor[] {
  const input = call.input(0);
  const wanted = call.intsOrInput('shape', 1) ?? call.refuse('the new shape is missing');
  const allowZero = call.int('allowzero', 0) !== 0;
  const shape = wanted.map((extent, d) => (extent === 0 && !allowZero ? (input.shape[d] ?? 0) : extent));
  const open = shape.indexOf(-1);
  if (open >= 0) {
    const rest = shape.reduce((size, extent, d) => (d === open ? size : size * extent), 1);
    shape[open] = rest === 0 ? 0 : sizeOf(input.shape) / rest;
  }
  if (shape.some((extent) => !Number.isInteger(extent) || extent < 0)) {
    call.refuse(`${input.shape.join('×')} cannot become [${wanted.join(', ')}]`);
  }
  return reshaped(call, input, shape);
}

function runFlatten(call: Call): Tensor[] {
  const input = call.input(0);
  const axis = call.int('axis', 1);
  const at = axis < 0 ? axis + input.shape.length : axis;
  if (at < 0 || at > input.shape.length) call.refuse(`axis ${axis} is outside ${input.shape.join('×')}`);
  return reshaped(call, input, [sizeOf(input.shape.slice(0, at)), sizeOf(input.shape.slice(at))]);
}

function runSqueeze(call: Call): Tensor[] {
  const input = call.input(0);
  const axes = call.intsOrInput('axes', 1)?.map((axis) => resolveAxis(call, axis, input.shape.length));
  const shape = input.shape.filter((extent, d) => (axes === undefined ? extent !== 1 : !axes.includes(d)));
  return reshaped(call, input, shape);
}

function runUnsqueeze(call: Call): Tensor[] {
  const input = call.input(0);
  const given = call.intsOrInput('axes', 1) ?? call.refuse("attribute 'axes' is missing");
  const rank = input.shape.length + given.length;
  const axes = given.map((axis) => resolveAxis(call, axis, rank));
  const rest = [...input.shape];
  const shape = Array.from({ length: rank }, (_, d) => (axes.includes(d) ? 1 : rest.shift()!));
  return reshaped(call, input, shape);
}

function runConstant(call: Call): Tensor[] {
  const tensor = call.tensor('value');
  if (tensor !== undefined) return [tensor];
  for (const attribute of call.node.attributes.values()) {
    if (attribute.kind === 'float')
      return [{ type: 'float32', shape: [], data: Float32Array.of(attribute.value) }];
    if (attribute.kind === 'int')
      return [{ type: 'int64', shape: [], data: Float64Array.of(attribute.value) }];
    if (attribute.kind === 'floats') {
      return [{ type: 'float32', shape: [attribute.value.length], data: Float32Array.from(attribute.value) }];
    }
    if (attribute.kind === 'ints') {
      return [{ type: 'int64', shape: [attribute.value.length], data: Float64Array.from(attribute.value) }];
    }
  }
  return call.refuse('the constant has no supported value');
}

function runDropout(call: Call): Tensor[] {
  const ratio = call.optional(1)?.data[0] ?? call.float('ratio', 0.5);
  if ((call.optional(2)?.data[0] ?? 0) !== 0 && ratio !== 0) {
    call.refuse('training mode is random and not supported; export the network for inference');
  }
  const input = call.input(0);
  const mask: Tensor = {
    type: 'bool',
    shape: input.shape,
    data: new Float64Array(input.data.length).fill(1),
  };
  return [input, mask];
}

/** Operators that pass their values on, in the same order. */
export const reshaping: Readonly<Record<string, Operator>> = {
  Reshape: { attributes: ['allowzero', 'shape'], arity: [1, 2], run: runReshape },
  Flatten: { attributes: ['axis'], arity: [1, 1], run: runFlatten },
  Squeeze: { attributes: ['axes'], arity: [1, 2], run: runSqueeze },
  Unsqueeze: { attributes: ['axes'], arity: [1, 2], run: runUnsqueeze },
  Identity: { attributes: [], arity: [1, 1], run: (call) => [call.input(0)] },
  Dropout: { attributes: ['ratio', 'seed', 'is_test'], arity: [1, 3], run: runDropout },
  Constant: {
    attributes: ['value', 'value_float', 'value_int', 'value_floats', 'value_ints'],
    arity: [0, 0],
    run: runConstant,
  },
};
