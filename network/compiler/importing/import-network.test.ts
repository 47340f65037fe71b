import { describe, expect, it } from 'vitest';
import type { Dataset } from '#network/model/dataset.ts';
import type { Graph, Tensor } from '#network/model/graph.ts';
import { runGraph } from '#network/model/run/run.ts';
import { convolutionalGraph, node, randomPictures } from '#network/testing/small-graphs.ts';
import { fineTuner } from '#network/training/fine-tuner.ts';
import { compileNetwork } from '../compile.ts';
import { importNetwork } from './import-network.ts';

/** The small network with its biases moved so that every label occurs. */
function balanced(graph: Graph): Graph {
  const logits = runGraph(
    graph,
    Float32Array.from(randomPictures(7, 100, 99).flatMap((picture) => [...picture])),
  );
  const bias = graph.initializers.get('b3')!;
  const data = bias.data.map(
    (value, k) => value - logits.filter((_, i) => i % 3 === k).reduce((a, b) => a + b, 0) / 100,
  );
  return { ...graph, initializers: new Map([...graph.initializers, ['b3', { ...bias, data } as Tensor]]) };
}

const given = balanced(convolutionalGraph(1));
const relu: Graph = balanced({
  ...given,
  nodes: given.nodes.map((one) => (one.name === 's1' ? node('Relu', ['n1'], 's1') : one)),
});

/** Pictures labelled with the network's own answers. */
function labelled(graph: Graph, count: number): Dataset {
  const pictures = Float32Array.from(randomPictures(2, count, 99).flatMap((picture) => [...picture]));
  const logits = runGraph(graph, pictures);
  const classes = Uint8Array.from({ length: count }, (_, n) => {
    const row = [...logits.slice(3 * n, 3 * n + 3)];
    return row.indexOf(Math.max(...row));
  });
  return { picture: { channels: 1, height: 9, width: 11 }, labels: ['a', 'b', 'c'], pictures, classes };
}

describe('ImportNetwork', () => {
  it('reports every layer and yields a network that compiles', async () => {
    const imported = await importNetwork(relu, { calibration: labelled(relu, 200), tolerance: 0.5 });
    expect(imported.layers.map(({ operator, degree }) => [operator, degree])).toEqual([['Relu', 2]]);
    expect(imported.accuracyBefore).toBe(1);
    expect(imported.accuracyAfter).toBe(imported.accuracyApproximated);
    const { activations, logits } = imported.ranges;
    const compiled = compileNetwork(imported.graph, {
      labels: ['a', 'b', 'c'],
      activationRanges: activations,
      logitRange: logits,
    });
    expect(compiled.report.stages).toHaveLength(3);
  });

  it('does not go on silently where accuracy falls, and fine-tuning wins it back', async () => {
    const calibration = labelled(relu, 400);
    // x² alone is a poor stand-in for ReLU.
    const rough = { calibration, methods: ['square'] as const, tolerance: 0.02 };
    await expect(importNetwork(relu, rough)).rejects.toThrow(
      /accuracy on held-out pictures falls from 100\.00 % \(80 of 80\) to .*fine-tune it/,
    );
    const tuned = await importNetwork(relu, {
      ...rough,
      tolerance: 1,
      fineTune: fineTuner({ epochs: 30, learningRate: 0.03 }),
    });
    expect(tuned.accuracyAfter).toBeGreaterThan(tuned.accuracyApproximated + 0.1);
  });

  it('tries lower rates where the loss grows beyond all bounds, but not where it is so from the start', async () => {
    const run = async (calibration: Dataset): Promise<number[]> => {
      const rates: number[] = [];
      const importing = importNetwork(relu, {
        calibration,
        // Polynomials all in place: stages look at every training picture before the first step.
        methods: ['least-squares'],
        fineTune: fineTuner({ epochs: 2 }),
        onProgress: (progress) => {
          if (progress.step === 'slower') rates.push(progress.learningRate);
        },
      });
      await expect(importing).rejects.toMatchObject({ code: 'NETWORK_TRAINING' });
      return rates;
    };
    // Squares of such values overflow training's numbers: for one picture after the measured ones, or for all training pictures.
    const one = labelled(relu, 400);
    one.pictures.fill(1e25, 399 * 99, 400 * 99);
    expect(await run(one)).toEqual([0.006, 0.0015, 0.0004]);
    const all = labelled(relu, 2000);
    for (let i = 300; i < 2000; i++) all.pictures.fill(1e25, i * 99, (i + 1) * 99);
    expect(await run(all)).toEqual([]);
  });

  it('leaves a network of squares as it is', async () => {
    const imported = await importNetwork(given, {
      calibration: labelled(given, 50),
      fineTune: fineTuner({ epochs: 1 }),
    });
    expect(imported.layers).toEqual([]);
    expect(imported.accuracyAfter).toBe(1);
  });

  it('wants pictures to calibrate on', async () => {
    await expect(importNetwork(relu, { calibration: labelled(relu, 9) })).rejects.toThrow(
      'at least 10 are needed',
    );
  });
});
