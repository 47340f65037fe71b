import { beforeAll, describe, expect, it } from 'vitest';
import { verifyProgram } from '#fhe';
import { runClear } from '#fhe/design';
import { compileNetwork } from '#network/compiler/compile.ts';
import { calibrateSteps } from '#network/compiler/lowering/calibrate-steps.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { accuracyOf } from '#network/model/confusion.ts';
import type { Dataset } from '#network/model/dataset.ts';
import { Workspace } from '#network/model/kernel/workspace.ts';
import { readOnnx, writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import type { Graph } from '../model/graph.ts';
import type { Architecture } from './architecture.ts';
import { exportGraph } from './export.ts';
import { predict, trainNetwork } from './train.ts';
import { TrainableNetwork } from './trainable-network.ts';

const BATCH = 3;
const SIDE = 6;
const PIXELS = SIDE ** 2;

/** Identity shortcut, projection with stride, a block in a block, a block of units; squares and polynomials. */
const everything: Architecture = [
  { kind: 'offset' },
  { kind: 'convolution', maps: 3, kernel: 3, padding: 1 },
  {
    kind: 'residual',
    layers: [
      { kind: 'convolution', maps: 3, kernel: 3, padding: 1 },
      { kind: 'normalize' },
      { kind: 'polynomial', coefficients: [0.1, 0.5, 0.25] },
    ],
  },
  {
    kind: 'residual',
    layers: [
      { kind: 'residual', layers: [{ kind: 'convolution', maps: 3, kernel: 1 }, { kind: 'square' }] },
      { kind: 'convolution', maps: 4, kernel: 3, stride: 2, padding: 1 },
    ],
  },
  { kind: 'polynomial', coefficients: [0, 1, 0.2, 0.05] },
  { kind: 'dense', units: 5 },
  { kind: 'offset' },
  { kind: 'residual', layers: [{ kind: 'dense', units: 5 }, { kind: 'square' }] },
  { kind: 'dense', units: 3 },
];

describe('a residual network', () => {
  it('has the gradients that differences say', async () => {
    const workspace = await Workspace.create(2 ** 20);
    const random = new SeededRandom(3);
    const picture = { channels: 2, height: SIDE, width: SIDE };
    const network = new TrainableNetwork({ workspace, random, batch: BATCH }, picture, everything);
    const input = workspace.allocate(2 * BATCH * PIXELS);
    for (let i = 0; i < input.length; i++) input[i] = random.uniform();
    const weights = Float32Array.from({ length: BATCH * 3 }, (_, i) => Math.sin(i + 1));
    const loss = (): number =>
      network.forward(input, BATCH, true).reduce((sum, logit, i) => sum + weights[i]! * logit, 0);
    loss();
    const gradient = workspace.allocate(BATCH * 3);
    gradient.set(weights);
    network.backward(gradient, BATCH);
    const gradients = network.parameters.map((parameter) => parameter.gradients.slice());
    // Three convolutions on the way, one shortcut, three dense layers; normalization; coefficients; offsets.
    expect(network.parameters).toHaveLength(2 * (1 + 1 + 1 + 2 + 1 + 1 + 1 + 1) + 2 + 2);
    let worst = 0;
    network.parameters.forEach(({ values }, p) => {
      for (const i of new Set([0, values.length >> 1, values.length - 1])) {
        const kept = values[i]!;
        const step = 2e-3;
        values[i] = kept + step;
        const above = loss();
        values[i] = kept - step;
        const measured = (above - loss()) / (2 * step);
        values[i] = kept;
        worst = Math.max(worst, Math.abs(gradients[p]![i]! - measured) / Math.max(1, Math.abs(measured)));
      }
    });
    expect(worst).toBeLessThan(0.02);
  });
});

/** Bright frames, crosses and nothing, each centered anywhere: three classes. */
function shapes(seed: number, count: number): Dataset {
  const random = new SeededRandom(seed);
  const pictures = new Float32Array(count * PIXELS);
  const classes = Uint8Array.from({ length: count }, (_, n) => n % 3);
  classes.forEach((label, n) => {
    const [middleX, middleY] = [1 + random.below(SIDE - 2), 1 + random.below(SIDE - 2)];
    for (let i = 0; i < PIXELS; i++) {
      const far = [Math.abs((i % SIDE) - middleX), Math.abs(Math.floor(i / SIDE) - middleY)];
      const square = Math.max(...far) === 1 && label === 1;
      const cross = Math.min(...far) === 0 && Math.max(...far) <= 1 && label === 2;
      pictures[n * PIXELS + i] = random.uniform(0, 0.2) + (square || cross ? 0.7 : 0);
    }
  });
  const picture = { channels: 1, height: SIDE, width: SIDE };
  return { picture, labels: ['nothing', 'frame', 'cross'], pictures, classes };
}

describe('a residual network that was trained', () => {
  const test = shapes(2, 90);
  let network: TrainableNetwork;
  let graph: Graph;
  let logits: Float32Array;

  beforeAll(async () => {
    const training = shapes(1, 300);
    const architecture: Architecture = [
      { kind: 'offset' },
      { kind: 'convolution', maps: 4, kernel: 3, stride: 2, padding: 1 },
      { kind: 'normalize' },
      {
        kind: 'residual',
        layers: [{ kind: 'square' }, { kind: 'convolution', maps: 4, kernel: 3, padding: 1 }],
      },
      { kind: 'polynomial', coefficients: [0, 0.5, 0.25] },
      { kind: 'dense', units: 3 },
    ];
    const options = { seed: 4, epochs: 25, batch: 30, learningRate: 0.02, weightDecay: 1e-3 };
    ({ network } = await trainNetwork(architecture, training, training, options));
    graph = readOnnx(writeOnnx(exportGraph(network, 'shapes')));
    logits = predict(network, test, new Float32Array(PIXELS), 1);
  });

  it('learned', () => {
    expect(accuracyOf(logits, test.classes)).toBeGreaterThan(0.95);
  });

  it('answers the same as the ONNX file that is written', () => {
    expect(graph.nodes.map(({ operator }) => operator)).toContain('Add');
    const answers = runGraph(graph, test.pictures);
    const worst = answers.reduce((most, value, i) => Math.max(most, Math.abs(value - logits[i]!)), 0);
    expect(worst).toBeLessThan(1e-5 * Math.max(...logits.map(Math.abs)));
    expect(answers).toHaveLength(3 * 90);
  });

  it('answers the same as the program that it is compiled to', () => {
    const ranges = calibrateSteps(lowerSteps(graph), test.pictures);
    const { program, constants, interpretation } = compileNetwork(graph, {
      labels: test.labels,
      activationRanges: ranges.activations,
      logitRange: ranges.logits,
    });
    let worst = 0;
    for (let n = 0; n < 9; n++) {
      const slots = runClear(
        verifyProgram(program),
        constants,
        test.pictures.subarray(n * PIXELS, (n + 1) * PIXELS),
      );
      interpretation.expected.forEach((index, slot) => {
        if (index < 0) return;
        worst = Math.max(worst, Math.abs(slots[slot]! * interpretation.unit - logits[3 * n + index]!));
      });
    }
    expect(interpretation.expected.filter((index) => index >= 0).length).toBeGreaterThanOrEqual(3);
    expect(worst).toBeLessThan(1e-4);
  });
});
