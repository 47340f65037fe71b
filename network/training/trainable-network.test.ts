import { describe, expect, it } from 'vitest';
import { Workspace } from '#network/model/kernel/workspace.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import type { Architecture } from './architecture.ts';
import { exportGraph } from './export.ts';
import { TrainableNetwork } from './trainable-network.ts';

const picture = { channels: 2, height: 7, width: 6 };
const BATCH = 3;
const architecture: Architecture = [
  { kind: 'convolution', maps: 3, kernel: 3, padding: 1 },
  { kind: 'normalize' },
  { kind: 'square' },
  { kind: 'average', size: 2 },
  { kind: 'convolution', maps: 4, kernel: 2, stride: 1 },
  { kind: 'square' },
  { kind: 'dense', units: 5 },
  { kind: 'normalize' },
  { kind: 'square' },
  { kind: 'dense', units: 3 },
];

async function network(): Promise<{
  network: TrainableNetwork;
  input: Float32Array;
  gradient: Float32Array;
  random: SeededRandom;
}> {
  const workspace = await Workspace.create(2 ** 21);
  const random = new SeededRandom(11);
  const made = new TrainableNetwork({ workspace, random, batch: BATCH }, picture, architecture);
  const input = workspace.allocate(2 * BATCH * 42);
  for (let i = 0; i < input.length; i++) input[i] = random.uniform();
  return { network: made, input, gradient: workspace.allocate(BATCH * 3), random };
}

describe('TrainableNetwork', () => {
  it.each([
    ['the statistics of the batch', false],
    ['frozen statistics', true],
  ])('computes the gradients that differences say, with %s', async (_, frozen) => {
    const { network: made, input, gradient } = await network();
    if (frozen) {
      for (let i = 0; i < 20; i++) made.forward(input, BATCH, true);
      made.freezeNormalization();
    }
    const weights = Float64Array.from({ length: BATCH * 3 }, (_, i) => Math.sin(i + 1));
    const loss = (): number => {
      const logits = made.forward(input, BATCH, true);
      return weights.reduce((sum, w, i) => sum + w * logits[i]!, 0);
    };
    loss();
    gradient.set(weights);
    made.backward(gradient, BATCH);
    const gradients = made.parameters.map(({ gradients: held }) => held.slice());
    made.parameters.forEach(({ values }, p) => {
      for (const i of new Set([0, values.length >> 1, values.length - 1])) {
        const kept = values[i]!;
        const step = 2e-3;
        values[i] = kept + step;
        const above = loss();
        values[i] = kept - step;
        const below = loss();
        values[i] = kept;
        const measured = (above - below) / (2 * step);
        expect(Math.abs(gradients[p]![i]! - measured), `parameter ${p}, value ${i}`).toBeLessThan(
          0.02 * Math.max(1, Math.abs(measured)),
        );
      }
    });
  });

  it('exports a graph that answers as the network does', async () => {
    const { network: made, input, random } = await network();
    for (let i = 0; i < 5; i++) made.forward(input, BATCH, true);
    const one = Float32Array.from({ length: 84 }, () => random.uniform());
    const logits = made.forward(one, 1, false).slice(0, 3);
    const exported = runGraph(exportGraph(made, 'test'), one);
    logits.forEach((value, i) => {
      expect(Math.abs(exported[i]! - value)).toBeLessThan(1e-4);
    });
  });

  it('trains with frozen statistics on what it answers with', async () => {
    const { network: made, input } = await network();
    for (let i = 0; i < 3; i++) made.forward(input, BATCH, true);
    const answers = made.forward(input, BATCH, false).slice();
    expect([...made.forward(input, BATCH, true)]).not.toEqual([...answers]);
    made.freezeNormalization();
    const frozen = made.forward(input, BATCH, false).slice();
    expect([...made.forward(input, BATCH, true)]).toEqual([...frozen]);
    expect([...made.forward(input, BATCH, false)]).toEqual([...frozen]);
  });

  it('restores a snapshot, running statistics included', async () => {
    const { network: made, input } = await network();
    const before = made.forward(input, BATCH, false).slice(0, 9);
    const snapshot = made.snapshot();
    made.forward(input, BATCH, true);
    made.parameters[0]!.values.fill(1);
    expect([...made.forward(input, BATCH, false).slice(0, 9)]).not.toEqual([...before]);
    made.restore(snapshot);
    expect([...made.forward(input, BATCH, false).slice(0, 9)]).toEqual([...before]);
  });

  it('refuses layers that do not fit together', async () => {
    const workspace = await Workspace.create(2 ** 20);
    const context = { workspace, random: new SeededRandom(1), batch: 1 };
    const wrong: Architecture = [
      { kind: 'dense', units: 2 },
      { kind: 'average', size: 2 },
    ];
    expect(() => new TrainableNetwork(context, picture, wrong)).toThrow("a 'average' layer needs maps");
  });
});
