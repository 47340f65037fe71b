import type { Program } from '#fhe';
import { compileNetwork } from '#network/compiler/compile.ts';
import type { CompiledNetwork, CompileOptions } from '#network/compiler/compiled-network.ts';
import { calibrateSteps } from '#network/compiler/lowering/calibrate-steps.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import type { Graph, Node, Tensor } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';

/** Convolution → x² → dense → x² → dense, on 28 × 28 pictures. */
type Digits = {
  readonly maps: number;
  readonly kernel: number;
  readonly stride: number;
  /** Padding at top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly units: number;
};

/** A network that is measured. Weights are random: speed does not depend on them. */
export type Architecture = {
  readonly name: string;
  /** channels, height, width */
  readonly picture: readonly [number, number, number];
  /** Whether the last channel is motion. */
  readonly moves: boolean;
  readonly labels: readonly string[];
  readonly meaning: Pick<CompileOptions, 'task' | 'map' | 'decoding'>;
  /** @param gain of the last layer */
  readonly graph: (gain: number) => Graph;
};

const SIDE = 28;
const CLASSES = 10;
/** Cells of the map, and how far two of its points are apart at least. */
const MAP = { height: 22, width: 30 };
const DECODING = { threshold: 0.5, smoothing: 0, distance: 1, most: 64 };
/** The answers are scaled so that calibration finds this as the largest |logit|. */
const LOGIT_RANGE = 10;

const digits = (name: string, layers: Digits): Architecture => ({
  name,
  picture: [1, SIDE, SIDE],
  moves: false,
  labels: Array.from({ length: CLASSES }, (_, i) => String(i)),
  meaning: {},
  graph: (gain) => digitsGraph(name, layers, gain),
});

/** The networks of the two papers that encrypted inference is usually compared with, and one that finds people on a square. */
export const ARCHITECTURES: readonly Architecture[] = [
  digits('E2DM', { maps: 4, kernel: 7, stride: 3, pads: [0, 0, 0, 0], units: 64 }),
  digits('CryptoNets', { maps: 5, kernel: 5, stride: 2, pads: [1, 1, 1, 1], units: 100 }),
  {
    name: 'map',
    picture: [2, 90, 120],
    moves: true,
    labels: ['person'],
    meaning: { task: 'map', map: MAP, decoding: DECODING },
    graph: mapGraph,
  },
];

/** Pictures of uniform values. */
export function benchPictures({ picture }: Architecture, count: number): Float32Array[] {
  const random = new SeededRandom(11);
  const values = picture.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, () => Float32Array.from({ length: values }, () => random.uniform()));
}

/** Compiles an architecture as the owner does. */
export function compileArchitecture(architecture: Architecture): CompiledNetwork {
  const { name, labels, meaning, moves } = architecture;
  const sample = Float32Array.from(benchPictures(architecture, 20).flatMap((picture) => [...picture]));
  const { logits } = calibrateSteps(lowerSteps(architecture.graph(1)), sample);
  const graph = architecture.graph(LOGIT_RANGE / logits);
  const { activations } = calibrateSteps(lowerSteps(graph), sample);
  return compileNetwork(graph, {
    ...{ name, labels, ...meaning },
    ...(moves && { picture: { motion: { seconds: 10 } } }),
    activationRanges: activations,
    logitRange: LOGIT_RANGE,
  });
}

function tensors(seed: number): (shape: readonly number[], deviation: number) => Tensor {
  const random = new SeededRandom(seed);
  return (shape, deviation) => ({
    type: 'float32',
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => deviation * random.normal()),
  });
}

function node(
  operator: string,
  inputs: string[],
  output: string,
  attributes: Readonly<Record<string, readonly number[]>> = {},
): Node {
  const entries = Object.entries(attributes).map(([key, value]) => [key, { kind: 'ints', value }] as const);
  return { name: output, operator, inputs, outputs: [output], attributes: new Map(entries) };
}

/** Convolution 8 × 8 with stride 4 → x² → 3 × 3 → x² → 1 × 1: a map of 22 × 30 cells. */
function mapGraph(gain: number): Graph {
  const tensor = tensors(7);
  return {
    name: 'map',
    opset: 13,
    inputs: [{ name: 'picture', type: 'float32', shape: [-1, 2, 90, 120] }],
    outputs: [{ name: 'logits', type: 'float32', shape: [-1, 1, MAP.height, MAP.width] }],
    initializers: new Map([
      ['w1', tensor([16, 2, 8, 8], 1 / 8)],
      ['b1', tensor([16], 0.1)],
      ['w2', tensor([8, 16, 3, 3], 1 / 12)],
      ['b2', tensor([8], 0.1)],
      ['w3', tensor([1, 8, 1, 1], gain / 3)],
      ['b3', tensor([1], 0.1 * gain)],
    ]),
    nodes: [
      node('Conv', ['picture', 'w1', 'b1'], 'c1', { strides: [4, 4], pads: [1, 2, 3, 2] }),
      node('Mul', ['c1', 'c1'], 's1'),
      node('Conv', ['s1', 'w2', 'b2'], 'c2', { pads: [1, 1, 1, 1] }),
      node('Mul', ['c2', 'c2'], 's2'),
      node('Conv', ['s2', 'w3', 'b3'], 'logits'),
    ],
  };
}

function digitsGraph(name: string, { maps, kernel, stride, pads, units }: Digits, gain: number): Graph {
  const tensor = tensors(5);
  const extent = (padding: number): number => Math.floor((SIDE + padding - kernel) / stride) + 1;
  const values = maps * extent(pads[0] + pads[2]) * extent(pads[1] + pads[3]);
  return {
    name,
    opset: 13,
    inputs: [{ name: 'picture', type: 'float32', shape: [-1, 1, SIDE, SIDE] }],
    outputs: [{ name: 'logits', type: 'float32', shape: [-1, CLASSES] }],
    initializers: new Map([
      ['w1', tensor([maps, 1, kernel, kernel], 1 / kernel)],
      ['b1', tensor([maps], 0.1)],
      ['w2', tensor([values, units], 1 / Math.sqrt(values))],
      ['b2', tensor([units], 0.1)],
      ['w3', tensor([units, CLASSES], gain / Math.sqrt(units))],
      ['b3', tensor([CLASSES], 0.1 * gain)],
    ]),
    nodes: [
      node('Conv', ['picture', 'w1', 'b1'], 'c1', { strides: [stride, stride], pads }),
      node('Mul', ['c1', 'c1'], 's1'),
      node('Flatten', ['s1'], 'f1'),
      node('Gemm', ['f1', 'w2', 'b2'], 'd2'),
      node('Mul', ['d2', 'd2'], 's2'),
      node('Gemm', ['s2', 'w3', 'b3'], 'logits'),
    ],
  };
}

/** Primes and ring of a program in one line. */
export function describeProgram({ parameters, instructions }: Program): string {
  return `N = ${parameters.ringDegree}, ${parameters.moduli.length} + ${parameters.specialModuli.length} primes, ${instructions.length} instructions`;
}
