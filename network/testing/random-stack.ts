import { SeededRandom } from '#network/model/random.ts';
import type { Graph, Node, Tensor } from '../model/graph.ts';
import { graphOf, ints, node, randomTensor } from './small-graphs.ts';

/** The parts of a random stack, in order. */
export const STACK_PARTS = [
  'conv',
  'strided',
  'depthwise',
  'pool',
  'residual',
  'around',
  'projection',
  'inception',
  'arrange',
  'cubic',
  'dense',
  'blocks',
] as const;
export type StackPart = (typeof STACK_PARTS)[number];

/**
 * A random network of these parts, each followed by a square (`cubic`: by x + x³/8; `pool`, `around`, `arrange` and `blocks`: by nothing), on
 * channels × side × side pictures; ends in a dense layer of three outputs. `around` is a residual block whose sum is not squared, `projection` is a residual block with a strided 1 × 1
 * convolution as shortcut, `inception` joins two convolutions and the tensor itself, `arrange` pads, transposes and slices, `blocks`
 * turns blocks of 2 × 2 into channels.
 */
export function randomStack(
  seed: number,
  parts: readonly StackPart[],
  { channels = 1, side = 8, maps = 3 }: { channels?: number; side?: number; maps?: number } = {},
): Graph {
  const random = new SeededRandom(seed);
  const initializers: Record<string, Tensor> = {};
  const nodes: Node[] = [];
  let name = 'picture';
  let shape = [channels, side, side];
  let count = 0;
  const fresh = (): string => `v${count++}`;
  const add = (operator: string, inputs: string[], attributes: Parameters<typeof node>[3] = {}): string => {
    const output = fresh();
    nodes.push(node(operator, inputs, output, attributes));
    return output;
  };
  const weight = (dims: readonly number[], fan: number): string => {
    const key = `w${Object.keys(initializers).length}`;
    initializers[key] = randomTensor(random, dims, 1 / Math.sqrt(fan));
    return key;
  };
  const convolve = (
    input: string,
    from: number,
    to: number,
    { stride = 1, groups = 1, size = 3 }: { stride?: number; groups?: number; size?: number } = {},
  ): string => {
    const edge = (size - 1) / 2;
    const fan = (size * size * from) / groups;
    return add('Conv', [input, weight([to, from / groups, size, size], fan), weight([to], 10)], {
      pads: ints(edge, edge, edge, edge),
      strides: ints(stride, stride),
      group: { kind: 'int', value: groups },
    });
  };
  const whole = (...values: number[]): string => {
    const key = `w${Object.keys(initializers).length}`;
    initializers[key] = { type: 'int64', shape: [values.length], data: Float64Array.from(values) };
    return key;
  };
  const flatten = (): void => {
    if (shape.length === 1) return;
    name = add('Flatten', [name]);
    shape = [shape.reduce((a, b) => a * b, 1)];
  };
  for (const part of parts) {
    const [c = 1, h = 1, w = 1] = shape;
    if (part === 'dense' || shape.length === 1) {
      flatten();
      name = add('Gemm', [name, weight([shape[0]!, 12], shape[0]!), weight([12], 10)]);
      shape = [12];
      name = add('Mul', [name, name]);
      continue;
    }
    // Where there is no window of 2 × 2 left, a convolution stands for what takes one.
    const hasWindow = h > 1 && w > 1;
    if (part === 'pool' && hasWindow) {
      name = add('AveragePool', [name], { kernel_shape: ints(2, 2), strides: ints(2, 2) });
      shape = [c, Math.floor(h / 2), Math.floor(w / 2)];
      continue;
    }
    if (part === 'arrange') {
      // Two rows of zeros above, one below; channels last; the first row is removed again; channels first.
      const padded = add('Pad', [name, whole(0, 0, 2, 0, 0, 0, 1, 0)]);
      const last = add('Transpose', [padded], { perm: ints(0, 2, 3, 1) });
      const sliced = add('Slice', [last, whole(1), whole(h + 3), whole(1)]);
      name = add('Transpose', [sliced], { perm: ints(0, 3, 1, 2) });
      shape = [c, h + 2, w];
      continue;
    }
    if (part === 'blocks' && hasWindow) {
      // An odd row or column has no block.
      const even = add('Slice', [name, whole(0, 0), whole(h - (h % 2), w - (w % 2)), whole(2, 3)]);
      name = add('SpaceToDepth', [even], { blocksize: { kind: 'int', value: 2 } });
      shape = [4 * c, Math.floor(h / 2), Math.floor(w / 2)];
      continue;
    }
    if (part === 'residual' || part === 'around') {
      const inner = convolve(name, c, c);
      name = add('Add', [convolve(add('Mul', [inner, inner]), c, c), name]);
      if (part === 'around') continue;
    } else if (part === 'projection') {
      const inner = convolve(name, c, maps, { stride: 2 });
      const shortcut = convolve(name, c, maps, { stride: 2, size: 1 });
      name = add('Add', [convolve(add('Mul', [inner, inner]), maps, maps), shortcut]);
      shape = [maps, Math.ceil(h / 2), Math.ceil(w / 2)];
    } else if (part === 'inception') {
      const branches = [convolve(name, c, maps), convolve(name, c, 1, { size: 1 }), name];
      name = add('Concat', branches, { axis: { kind: 'int', value: 1 } });
      shape = [maps + 1 + c, h, w];
    } else if (part === 'depthwise') name = convolve(name, c, c, { groups: c });
    else {
      const stride = part === 'strided' ? 2 : 1;
      name = convolve(name, c, maps, { stride });
      shape = [maps, Math.ceil(h / stride), Math.ceil(w / stride)];
    }
    if (part !== 'cubic') {
      name = add('Mul', [name, name]);
      continue;
    }
    const key = `w${Object.keys(initializers).length}`;
    initializers[key] = { type: 'float32', shape: [1], data: Float32Array.of(0.125) };
    initializers.three = { type: 'float32', shape: [], data: Float32Array.of(3) };
    name = add('Add', [name, add('Mul', [add('Pow', [name, 'three']), key])]);
  }
  flatten();
  nodes.push(node('Gemm', [name, weight([shape[0]!, 3], shape[0]!), weight([3], 10)], 'logits'));
  return graphOf([channels, side, side], 3, initializers, nodes);
}
