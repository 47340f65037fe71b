import type { ElementType, Tensor } from '../graph.ts';
import { type BroadcastBlocks, broadcastBlocks } from './broadcast.ts';
import { type Call, type Operator, tensorLike } from './operator.ts';

const INTEGER_BITS: Readonly<Partial<Record<ElementType, number>>> = {
  uint8: 8,
  int8: 8,
  uint16: 16,
  int16: 16,
  int32: 32,
  uint32: 32,
  int64: 64,
  uint64: 64,
};

/** Wraps an integer result to its type (numpy's rule); floats stay. */
function wrap(value: number, type: ElementType): number {
  const bits = INTEGER_BITS[type];
  if (bits === undefined || bits === 64) return bits === 64 ? Math.trunc(value) : value;
  const modulus = 2 ** bits;
  const positive = ((Math.trunc(value) % modulus) + modulus) % modulus;
  return type.startsWith('u') || positive < modulus / 2 ? positive : positive - modulus;
}

/**
 * The right operand's shape as it broadcasts: before operator set 7, `broadcast` and `axis` defined its position within the left one's
 * dimensions.
 */
export function alignRight(call: Call, left: readonly number[], right: readonly number[]): readonly number[] {
  if (call.opset >= 7) {
    if (call.node.attributes.size > 0)
      call.refuse("attributes 'broadcast' and 'axis' ended with operator set 7");
    return right;
  }
  const axis = call.int('axis', left.length - right.length);
  const after = left.length - axis - right.length;
  if (axis < 0 || after < 0) call.refuse(`axis ${axis} does not place ${right.join('×')}`);
  return [...right, ...new Array<number>(after).fill(1)];
}

type BinaryOperator = 'Add' | 'Sub' | 'Mul' | 'Div' | 'Pow';

function compute(operator: Exclude<BinaryOperator, 'Add' | 'Mul'>, a: number, b: number): number {
  switch (operator) {
    case 'Sub':
      return a - b;
    case 'Div':
      return a / b;
    case 'Pow':
      return a ** b;
  }
}

/** The values of one block. Sums and products have separate loops, which take a third of the time. */
function computeBlock(
  operator: BinaryOperator,
  output: Float64Array,
  a: Tensor['data'],
  b: Tensor['data'],
  { stepA, stepB }: BroadcastBlocks,
  [first, end, startA, startB]: readonly [number, number, number, number],
): void {
  let [i, j] = [startA, startB];
  if (operator === 'Add') {
    for (let at = first; at < end; at++, i += stepA, j += stepB) output[at] = a[i]! + b[j]!;
  } else if (operator === 'Mul') {
    for (let at = first; at < end; at++, i += stepA, j += stepB) output[at] = a[i]! * b[j]!;
  } else {
    for (let at = first; at < end; at++, i += stepA, j += stepB) output[at] = compute(operator, a[i]!, b[j]!);
  }
}

function binary(operator: BinaryOperator): Operator {
  const run = (call: Call): Tensor[] => {
    const left = call.input(0);
    const right = call.input(1);
    const blocks = broadcastBlocks(call, left.shape, alignRight(call, left.shape, right.shape));
    const { shape, length, startsA, startsB } = blocks;
    const output = call.allocate(startsA.length * length);
    for (let block = 0; block < startsA.length; block++) {
      const range = [block * length, (block + 1) * length, startsA[block]!, startsB[block]!] as const;
      computeBlock(operator, output, left.data, right.data, blocks, range);
    }
    if (left.type in INTEGER_BITS)
      for (let i = 0; i < output.length; i++) output[i] = wrap(output[i]!, left.type);
    return [tensorLike(left, shape, output)];
  };
  return { attributes: ['broadcast', 'axis'], arity: [2, 2], run };
}

/** Adds, subtracts … with numpy's broadcasting. */
export const arithmetic: Readonly<Record<BinaryOperator, Operator>> = {
  Add: binary('Add'),
  Sub: binary('Sub'),
  Mul: binary('Mul'),
  Div: binary('Div'),
  Pow: binary('Pow'),
};

/** A function of one number, with the attributes of its node. */
export type ScalarFunction = (x: number) => number;

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Error function: Taylor series near zero, continued fraction of erfc beyond; about 1e-12 accurate. */
function erf(x: number): number {
  const t = Math.abs(x);
  if (t < 2.5) {
    let term = t;
    let sum = t;
    for (let n = 1; n < 60; n++) {
      term *= (-t * t) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  // Continued fraction of erfc, which converges quickly out here.
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (t + fraction);
  return Math.sign(x) * (1 - Math.exp(-t * t) / ((t + fraction) * Math.sqrt(Math.PI)));
}

/** The known activations, each with its node's attributes and ONNX's defaults. */
export const ACTIVATIONS: Readonly<Record<string, (call: Call) => ScalarFunction>> = {
  Relu: () => (x) => Math.max(0, x),
  LeakyRelu: (call) => {
    const alpha = call.float('alpha', 0.01);
    return (x) => (x < 0 ? alpha * x : x);
  },
  Elu: (call) => {
    const alpha = call.float('alpha', 1);
    return (x) => (x < 0 ? alpha * Math.expm1(x) : x);
  },
  Softplus: () => (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  Sigmoid: () => sigmoid,
  Tanh: () => Math.tanh,
  HardSigmoid: (call) => {
    const alpha = call.float('alpha', 0.2);
    const beta = call.float('beta', 0.5);
    return (x) => Math.min(1, Math.max(0, alpha * x + beta));
  },
  HardSwish: () => (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5)),
  Gelu: (call) =>
    call.string('approximate', 'none') === 'tanh'
      ? (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
      : (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  Clip: (call) => {
    const low = call.optional(1)?.data[0] ?? call.float('min', -Infinity);
    const high = call.optional(2)?.data[0] ?? call.float('max', Infinity);
    return (x) => Math.min(high, Math.max(low, x));
  },
};

const ACTIVATION_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  LeakyRelu: ['alpha'],
  Elu: ['alpha'],
  HardSigmoid: ['alpha', 'beta'],
  Gelu: ['approximate'],
  Clip: ['min', 'max'],
};

/** The activations as operators. */
export const activations: Readonly<Record<string, Operator>> = Object.fromEntries(
  Object.entries(ACTIVATIONS).map(([name, make]): [string, Operator] => [
    name,
    {
      attributes: ACTIVATION_ATTRIBUTES[name] ?? [],
      arity: [1, name === 'Clip' ? 3 : 1],
      run: (call) => {
        const input = call.input(0);
        const f = make(call);
        // Float64Array.from takes five times as long.
        const output = call.allocate(input.data.length);
        for (let i = 0; i < output.length; i++) output[i] = f(input.data[i]!);
        return [tensorLike(input, input.shape, output)];
      },
    },
  ]),
);
