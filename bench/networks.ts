import type { Program } from '#fhe';
import { compileNetwork } from '#network/compiler/compile.ts';
import type { CompiledNetwork } from '#network/compiler/compiled-network.ts';
import { calibrateSteps } from '#network/compiler/lowering/calibrate-steps.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import type { Graph, Node, Tensor } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';

/** Convolution → x² → dense → x² → dense, on 28 × 28 pictures. */
type Architecture = {
  readonly name: string;
  readonly maps: number;
  readonly kernel: number;
  readonly stride: number;
  /** Padding at top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly units: number;
};

const SIDE = 28;
const CLASSES = 10;
/** The answers are scaled so that calibration finds this as the largest |logit|. */
const LOGIT_RANGE = 10;

/** The networks of the two papers that encrypted inference is usually compared with. Weights are random: speed does not depend on them. */
export const ARCHITECTURES: readonly Architecture[] = [
  { name: 'E2DM', maps: 4, kernel: 7, stride: 3, pads: [0, 0, 0, 0], units: 64 },
  { name: 'CryptoNets', maps: 5, kernel: 5, stride: 2, pads: [1, 1, 1, 1], units: 100 },
];

/** Pictures of uniform values. */
export function benchPictures(count: number): Float32Array[] {
  const random = new SeededRandom(11);
  return Array.from({ length: count }, () =>
    Float32Array.from({ length: SIDE * SIDE }, () => random.uniform()),
  );
}

/** Compiles an architecture as the owner does. */
export function compileArchitecture(architecture: Architecture): CompiledNetwork {
  const sample = Float32Array.from(benchPictures(20).flatMap((picture) => [...picture]));
  const unscaled = buildGraph(architecture, 1);
  const { logits } = calibrateSteps(lowerSteps(unscaled), sample);
  const graph = buildGraph(architecture, LOGIT_RANGE / logits);
  const { activations } = calibrateSteps(lowerSteps(graph), sample);
  return compileNetwork(graph, {
    name: architecture.name,
    labels: Array.from({ length: CLASSES }, (_, i) => String(i)),
    activationRanges: activations,
    logitRange: LOGIT_RANGE,
  });
}

function buildGraph({ name, maps, kernel, stride, pads, units }: Architecture, gain: number): Graph {
  const random = new SeededRandom(5);
  const extent = (padding: number): number => Math.floor((SIDE + padding - kernel) / stride) + 1;
  const values = maps * extent(pads[0] + pads[2]) * extent(pads[1] + pads[3]);
  const tensor = (shape: readonly number[], deviation: number): Tensor => ({
    type: 'float32',
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => deviation * random.normal()),
  });
  const node = (
    operator: string,
    inputs: string[],
    output: string,
    attributes: Node['attributes'] = new Map(),
  ): Node => ({
    name: output,
    operator,
    inputs,
    outputs: [output],
    attributes,
  });
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
      node(
        'Conv',
        ['picture', 'w1', 'b1'],
        'c1',
        new Map([
          ['strides', { kind: 'ints', value: [stride, stride] }],
          ['pads', { kind: 'ints', value: pads }],
        ]),
      ),
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
