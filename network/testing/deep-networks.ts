import { SeededRandom } from '#network/model/random.ts';
import type { Graph, Node, Tensor } from '../model/graph.ts';
import { graphOf, ints, node, randomTensor } from './small-graphs.ts';

/** A network of convolutions and residual blocks, each followed by a square, that ends in a mean over each map and a dense layer. */
export type DeepNetwork = {
  readonly picture: readonly [channels: number, height: number, width: number];
  readonly parts: readonly DeepPart[];
  readonly labels: number;
};

/** A convolution with its square, or a residual block of two convolutions, whose shortcut is a 1 × 1 convolution if the shape changes. */
export type DeepPart = {
  readonly kind: 'conv' | 'residual';
  readonly maps: number;
  readonly size?: number;
  readonly stride?: number;
};

const COLOR = [3, 32, 32] as const;

const residual = (maps: number, stride = 1): DeepPart => ({ kind: 'residual', maps, stride });
const conv = (maps: number, size = 3, stride = 1): DeepPart => ({ kind: 'conv', maps, size, stride });

/** The five quadratics of a CIFAR-10 network. */
const five = (a: number, b: number, c: number): DeepNetwork => ({
  picture: COLOR,
  parts: [conv(a, 4, 2), conv(b), conv(b, 3, 2), conv(c), conv(c, 3, 2)],
  labels: 10,
});

/** The residual network of depth.md with as many blocks. */
const digits = (blocks: readonly DeepPart[]): DeepNetwork => ({
  picture: [1, 28, 28],
  parts: [conv(8, 5, 2), ...blocks],
  labels: 10,
});

/** Architectures that plans are judged by; `depth.md` has their costs. */
export const DEEP_NETWORKS = {
  'five-32-64-128': five(32, 64, 128),
  'five-48-96-192': five(48, 96, 192),
  'five-40-80-160': five(40, 80, 160),
  /** MLPerf Tiny's. */
  'resnet-8': {
    picture: COLOR,
    parts: [conv(16), residual(16), residual(32, 2), residual(64, 2)],
    labels: 10,
  },
  'resnet-20': {
    picture: COLOR,
    parts: [
      conv(16),
      ...[residual(16), residual(16), residual(16)],
      ...[residual(32, 2), residual(32), residual(32)],
      ...[residual(64, 2), residual(64), residual(64)],
    ],
    labels: 10,
  },
  'residual-digits-3': digits([residual(8), residual(16, 2), residual(16)]),
  'residual-digits-4': digits([residual(8), residual(16, 2), residual(16), residual(16)]),
} satisfies Record<string, DeepNetwork>;

/** The graph with random weights. */
export function deepGraph({ picture, parts, labels }: DeepNetwork, seed = 1): Graph {
  const random = new SeededRandom(seed);
  const initializers: Record<string, Tensor> = {};
  const nodes: Node[] = [];
  let [maps, height, width] = picture as readonly [number, number, number];
  const add = (operator: string, inputs: string[], attributes: Parameters<typeof node>[3] = {}): string => {
    const output = `v${nodes.length}`;
    nodes.push(node(operator, inputs, output, attributes));
    return output;
  };
  const weight = (shape: readonly number[], fan: number): string => {
    const name = `w${Object.keys(initializers).length}`;
    initializers[name] = randomTensor(random, shape, 1 / Math.sqrt(fan));
    return name;
  };
  const convolve = (input: string, from: number, to: number, size: number, stride: number): string => {
    const before = Math.floor((size - 1) / 2);
    return add('Conv', [input, weight([to, from, size, size], size * size * from), weight([to], 100)], {
      kernel_shape: ints(size, size),
      pads: ints(before, before, before, before),
      strides: ints(stride, stride),
    });
  };
  let name = 'picture';
  for (const { kind, maps: to, size = 3, stride = 1 } of parts) {
    if (kind === 'conv') name = convolve(name, maps, to, size, stride);
    else {
      const inner = convolve(name, maps, to, size, stride);
      const second = convolve(add('Mul', [inner, inner]), to, to, size, 1);
      const same = to === maps && stride === 1;
      name = add('Add', [second, same ? name : convolve(name, maps, to, 1, stride)]);
    }
    name = add('Mul', [name, name]);
    maps = to;
    const pads = 2 * Math.floor((size - 1) / 2);
    height = Math.floor((height + pads - size) / stride) + 1;
    width = Math.floor((width + pads - size) / stride) + 1;
  }
  name = add('Flatten', [add('GlobalAveragePool', [name])]);
  nodes.push(node('Gemm', [name, weight([maps, labels], maps), weight([labels], 100)], 'logits'));
  return graphOf(picture, labels, initializers, nodes);
}
