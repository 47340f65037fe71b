import { SeededRandom } from '#network/model/random.ts';
import type { Attribute, Graph, Node, Tensor } from '../model/graph.ts';

/** A node for tests. */
export function node(
  operator: string,
  inputs: string[],
  output: string,
  attributes: Record<string, Attribute> = {},
): Node {
  return {
    name: output,
    operator,
    inputs,
    outputs: [output],
    attributes: new Map(Object.entries(attributes)),
  };
}

/** Integers as an attribute. */
export function ints(...value: number[]): Attribute {
  return { kind: 'ints', value };
}

/** A float32 tensor of normal random numbers. */
export function randomTensor(random: SeededRandom, shape: readonly number[], deviation = 1): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    type: 'float32',
    shape,
    data: Float32Array.from({ length: size }, () => deviation * random.normal()),
  };
}

/** A graph from `picture` to `logits`. */
export function graphOf(
  pictureShape: readonly number[],
  outputs: number,
  initializers: Record<string, Tensor>,
  nodes: readonly Node[],
): Graph {
  return {
    name: 'test',
    opset: 13,
    inputs: [{ name: 'picture', type: 'float32', shape: [-1, ...pictureShape] }],
    outputs: [{ name: 'logits', type: 'float32', shape: [-1, outputs] }],
    initializers: new Map(Object.entries(initializers)),
    nodes,
  };
}

/** Convolution (stride 2, padded) → batch norm → x² → mean pooling → dense → x² → dense, on 1 × 9 × 11 pictures. */
export function convolutionalGraph(seed: number, units = 12): Graph {
  const random = new SeededRandom(seed);
  const t = (shape: readonly number[], deviation: number): Tensor => randomTensor(random, shape, deviation);
  const positive = t([3], 0.1);
  return graphOf(
    [1, 9, 11],
    3,
    {
      w1: t([3, 1, 3, 3], 0.3),
      b1: t([3], 0.1),
      scale: t([3], 1),
      shift: t([3], 0.1),
      mean: t([3], 0.1),
      variance: { ...positive, data: positive.data.map((v) => v * v + 0.5) },
      w2: t([18, units], 0.3),
      b2: t([units], 0.1),
      w3: t([units, 3], 0.3),
      b3: t([3], 0.1),
    },
    [
      node('Conv', ['picture', 'w1', 'b1'], 'c1', { strides: ints(2, 2), pads: ints(1, 1, 1, 1) }),
      node('BatchNormalization', ['c1', 'scale', 'shift', 'mean', 'variance'], 'n1'),
      node('Mul', ['n1', 'n1'], 's1'),
      node('AveragePool', ['s1'], 'p1', { kernel_shape: ints(2, 2), strides: ints(2, 2) }),
      node('Flatten', ['p1'], 'f1'),
      node('Gemm', ['f1', 'w2', 'b2'], 'd2'),
      node('Mul', ['d2', 'd2'], 's2'),
      node('Gemm', ['s2', 'w3', 'b3'], 'logits'),
    ],
  );
}

/** `layers` dense layers of these sizes with squares between them, on 1 × 1 × sizes[0] pictures. */
export function denseGraph(seed: number, sizes: readonly number[]): Graph {
  const random = new SeededRandom(seed);
  const initializers: Record<string, Tensor> = {};
  const nodes: Node[] = [node('Flatten', ['picture'], 'x0')];
  const last = sizes.length - 2;
  for (let i = 0; i <= last; i++) {
    initializers[`w${i}`] = randomTensor(random, [sizes[i]!, sizes[i + 1]!], 1 / Math.sqrt(sizes[i]!));
    initializers[`b${i}`] = randomTensor(random, [sizes[i + 1]!], 0.1);
    const input = i === 0 ? 'x0' : `s${i}`;
    nodes.push(node('Gemm', [input, `w${i}`, `b${i}`], i === last ? 'logits' : `d${i}`));
    if (i < last) nodes.push(node('Mul', [`d${i}`, `d${i}`], `s${i + 1}`));
  }
  return graphOf([1, 1, sizes[0]!], sizes.at(-1)!, initializers, nodes);
}

/** Uniform pictures in [0, 1]. */
export function randomPictures(seed: number, count: number, size: number): Float32Array[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: size }, () => random.uniform()));
}
