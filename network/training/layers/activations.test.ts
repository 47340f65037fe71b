import { describe, expect, it } from 'vitest';
import { compileNetwork } from '#network/compiler/compile.ts';
import { calibrateSteps } from '#network/compiler/lowering/calibrate-steps.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { Workspace } from '#network/model/kernel/workspace.ts';
import { readOnnx, writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import type { Architecture, LayerSpec } from '../architecture.ts';
import { exportGraph } from '../export.ts';
import { TrainableNetwork } from '../trainable-network.ts';

const BATCH = 5;
const picture = { channels: 3, height: 4, width: 3 };
const PIXELS = 36;

function around(activation: LayerSpec): Architecture {
  return [
    { kind: 'convolution', maps: 3, kernel: 3, padding: 1 },
    activation,
    { kind: 'dense', units: 4 },
    activation,
    { kind: 'dense', units: 3 },
  ];
}

async function networkWith(layers: Architecture, clamp?: { range: number; penalty: number }) {
  const workspace = await Workspace.create(2 ** 20);
  const random = new SeededRandom(7);
  const network = new TrainableNetwork(
    { workspace, random, batch: BATCH, ...(clamp && { clamp }) },
    picture,
    layers,
  );
  const input = workspace.allocate(BATCH * PIXELS);
  for (let i = 0; i < input.length; i++) input[i] = random.normal();
  return { network, input, gradient: workspace.allocate(BATCH * 3) };
}

const WEIGHTS = Float32Array.from({ length: BATCH * 3 }, (_, i) => Math.sin(i + 1));

/** Largest difference between gradients and what differences of `loss` say, relative to 1 or the gradient. */
function worstGradient(network: TrainableNetwork, loss: () => number, step = 2e-3): number {
  const gradients = network.parameters.map((parameter) => parameter.gradients.slice());
  let worst = 0;
  network.parameters.forEach(({ values }, p) => {
    for (let i = 0; i < values.length; i++) {
      const kept = values[i]!;
      values[i] = kept + step;
      const above = loss();
      values[i] = kept - step;
      const measured = (above - loss()) / (2 * step);
      values[i] = kept;
      worst = Math.max(worst, Math.abs(gradients[p]![i]! - measured) / Math.max(1, Math.abs(measured)));
    }
  });
  return worst;
}

const ACTIVATIONS: readonly [string, LayerSpec][] = [
  ['quadratics by map', { kind: 'polynomial', coefficients: [0.1, 0.7, 0.25], perMap: true }],
  ['HerPN', { kind: 'herpn' }],
];

describe.each(ACTIVATIONS)('%s', (_, activation) => {
  it.each([false, true])('has the gradients that differences say (statistics frozen: %s)', async (frozen) => {
    const { network, input, gradient } = await networkWith(around(activation));
    const loss = (): number =>
      network.forward(input, BATCH, true).reduce((sum, logit, i) => sum + WEIGHTS[i]! * logit, 0);
    for (let i = 0; i < 10; i++) loss();
    if (frozen) network.freezeNormalization();
    loss();
    gradient.set(WEIGHTS);
    network.backward(gradient, BATCH);
    expect(worstGradient(network, loss)).toBeLessThan(0.01);
  });

  it('is written as one square a layer between linear nodes, which answers the same', async () => {
    const { network, input } = await networkWith(around(activation));
    // Every map for itself.
    const random = new SeededRandom(3);
    for (const { values } of network.parameters)
      for (let i = 0; i < values.length; i++) values[i]! += 0.1 * random.normal();
    for (let i = 0; i < 5; i++) network.forward(input, BATCH, true);
    const one = Float32Array.from({ length: PIXELS }, () => random.normal());
    const logits = network.forward(one, 1, false).slice(0, 3);
    const graph = readOnnx(writeOnnx(exportGraph(network, 'test')));
    expect(
      graph.nodes.filter(({ operator, inputs }) => operator === 'Mul' && inputs[0] === inputs[1]),
    ).toHaveLength(2);
    runGraph(graph, one).forEach((logit, i) => {
      expect(Math.abs(logit - logits[i]!)).toBeLessThan(1e-4);
    });
  });
});

it('costs no more levels encrypted, and no more constants, than bare squares', async () => {
  const programOf = async (activation: LayerSpec) => {
    const { network, input } = await networkWith(around(activation));
    for (let i = 0; i < 5; i++) network.forward(input, BATCH, true);
    const graph = exportGraph(network, 'test');
    const pictures = Float32Array.from({ length: 4 * PIXELS }, (_, i) => Math.sin(i));
    const { activations: activationRanges, logits: logitRange } = calibrateSteps(lowerSteps(graph), pictures);
    const { program, constants } = compileNetwork(graph, {
      labels: ['a', 'b', 'c'],
      activationRanges,
      logitRange,
    });
    return {
      levels: program.parameters.moduli.length,
      constants: constants.length,
      degree: program.parameters.ringDegree,
    };
  };
  const square = await programOf({ kind: 'square' });
  for (const [, activation] of ACTIVATIONS) expect(await programOf(activation)).toEqual(square);
});

it('has a ReLU for teachers, with the gradients that differences say', async () => {
  const { network, input, gradient } = await networkWith(around({ kind: 'relu' }));
  const loss = (): number =>
    network.forward(input, BATCH, true).reduce((sum, logit, i) => sum + WEIGHTS[i]! * logit, 0);
  loss();
  gradient.set(WEIGHTS);
  network.backward(gradient, BATCH);
  expect(worstGradient(network, loss, 1e-4)).toBeLessThan(0.02);
  const one = Float32Array.from({ length: PIXELS }, (_, i) => Math.sin(i));
  const logits = network.forward(one, 1, false).slice(0, 3);
  runGraph(exportGraph(network, 'test'), one).forEach((logit, i) => {
    expect(logit).toBeCloseTo(logits[i]!, 4);
  });
});

it('keeps the square of a quadratic from vanishing beside its linear part', async () => {
  const { network } = await networkWith(
    around({ kind: 'polynomial', coefficients: [0, 1, 0], perMap: true }),
  );
  const [, , { values } = network.parameters[0]!] = network.parameters;
  expect([...values]).toEqual([0, 1, 1 / 32, 0, 1, 1 / 32, 0, 1, 1 / 32]);
  values.set([0, -2, -0.01]);
  network.constrain();
  expect([...values.subarray(0, 3)]).toEqual([0, -2, -1 / 16]);
});

describe('a clamp', () => {
  const layers: Architecture = [
    { kind: 'convolution', maps: 2, kernel: 3, padding: 1 },
    { kind: 'polynomial', coefficients: [0, 1, 0.5], perMap: true },
    { kind: 'dense', units: 3 },
  ];

  it('holds back in training what is out of range, pulls it in, and is gone afterwards', async () => {
    const clamp = { range: 0.5, penalty: 0.3 };
    const { network, input, gradient } = await networkWith(layers, clamp);
    const plain = await networkWith(layers);
    expect([...network.forward(input, BATCH, false)]).toEqual([
      ...plain.network.forward(plain.input, BATCH, false),
    ]);
    expect([...network.forward(input, BATCH, true)]).not.toEqual([
      ...plain.network.forward(plain.input, BATCH, true),
    ]);
    const convolution = network.layers[0]!;
    const loss = (): number => {
      const logits = network
        .forward(input, BATCH, true)
        .reduce((sum, logit, i) => sum + WEIGHTS[i]! * logit, 0);
      const beyond = convolution
        .forward(input, BATCH, true)
        .map((x) => Math.max(0, Math.abs(x) - clamp.range) ** 2);
      return logits + (clamp.penalty / BATCH) * beyond.reduce((sum, one) => sum + one, 0);
    };
    network.forward(input, BATCH, true);
    gradient.set(WEIGHTS);
    network.backward(gradient, BATCH);
    // So small a step that no value crosses the border.
    expect(worstGradient(network, loss, 1e-4)).toBeLessThan(0.02);
    // Nothing of it is written.
    const nodes = ({ network: one }: typeof plain): string[] =>
      exportGraph(one, '').nodes.map(({ operator }) => operator);
    expect(nodes({ network, input, gradient })).toEqual(nodes(plain));
  });
});
