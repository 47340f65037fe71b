import { describe, expect, it } from 'vitest';
import type { Dataset } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { answerPictures } from '#network/model/run/answer-pictures.ts';
import { runGraph } from '#network/model/run/run.ts';
import {
  convolutionalGraph,
  graphOf,
  node,
  randomPictures,
  randomTensor,
} from '#network/testing/small-graphs.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { mergePools } from '../lowering/merge-pools.ts';
import { runSteps } from '../lowering/run-steps.ts';
import { approximateActivations } from './approximate-activations.ts';

/** The small network with its first square replaced by `operator` and mean pooling by a maximum. */
function withActivation(operator: string): Graph {
  const graph = convolutionalGraph(1);
  const nodes = graph.nodes.map((one) =>
    one.name === 's1'
      ? node(operator, ['n1'], 's1')
      : one.name === 'p1'
        ? { ...one, operator: 'MaxPool' }
        : one,
  );
  return { ...graph, nodes };
}

/** Pictures labelled with a network's own answers. */
function labelled(graph: Graph, seed: number): Dataset {
  const pictures = Float32Array.from(randomPictures(seed, 60, 99).flatMap((picture) => [...picture]));
  const logits = runGraph(graph, pictures);
  const classes = Uint8Array.from({ length: 60 }, (_, n) => {
    const row = [...logits.slice(3 * n, 3 * n + 3)];
    return row.indexOf(Math.max(...row));
  });
  return { picture: { channels: 1, height: 9, width: 11 }, labels: ['a', 'b', 'c'], pictures, classes };
}

describe('ApproximateActivations', () => {
  it.each(['Relu', 'Sigmoid', 'Tanh', 'Softplus', 'Gelu', 'HardSwish', 'Elu', 'LeakyRelu'])(
    'makes %s a square that can be encrypted',
    async (operator) => {
      const graph = withActivation(operator);
      const dataset = labelled(graph, 2);
      const result = await approximateActivations(graph, dataset, {
        degree: 2,
        methods: ['least-squares', 'minimax', 'square'],
      });
      expect(result.accuracyBefore).toBe(1);
      expect(result.accuracyAfter).toBe((await answerPictures(result.graph, dataset)).accuracy);
      expect(result.accuracyAfter).toBeGreaterThan(0.6);
      expect(result.layers.map((layer) => layer.operator)).toEqual([operator, 'MaxPool']);
      for (const layer of result.layers) expect(layer.typicalError).toBeLessThan(layer.high - layer.low);
      const lowered = mergePools(lowerSteps(result.graph));
      expect(lowered.steps.map(({ kind }) => kind)).toEqual([
        'linear',
        'product',
        'linear',
        'product',
        'linear',
      ]);
      const picture = dataset.pictures.slice(0, 99);
      const truth = runGraph(result.graph, picture);
      runSteps(lowered, picture).forEach((value, i) => {
        expect(Math.abs(value - truth[i]!)).toBeLessThan(1e-4 * Math.max(1, Math.abs(truth[i]!)));
      });
    },
  );

  it('is exact for an activation that is a quadratic already', async () => {
    const random = new SeededRandom(1);
    const two = { type: 'float32' as const, shape: [], data: Float32Array.of(2) };
    const w = { w: randomTensor(random, [99, 6], 0.3), v: randomTensor(random, [6, 3]), two };
    const nodes = (activation: ReturnType<typeof node>): ReturnType<typeof node>[] => [
      node('Flatten', ['picture'], 'f'),
      node('MatMul', ['f', 'w'], 'd'),
      activation,
      node('MatMul', ['s', 'v'], 'logits'),
    ];
    // A clip that clips nothing is x; its best quadratic has no square.
    const clip = graphOf([1, 9, 11], 3, { ...w }, nodes(node('Clip', ['d'], 's')));
    const dataset = labelled(clip, 3);
    const result = await approximateActivations(clip, dataset, { degree: 2, methods: ['least-squares'] });
    expect(result.layers[0]!.worstError).toBeLessThan(1e-9);
    expect(result.accuracyAfter).toBe(1);
  });

  it('writes higher degrees too', async () => {
    const graph = withActivation('Tanh');
    const dataset = labelled(graph, 2);
    const rough = await approximateActivations(graph, dataset, { degree: 1, methods: ['least-squares'] });
    const fine = await approximateActivations(graph, dataset, { degree: 5, methods: ['least-squares'] });
    expect(fine.layers[0]!.typicalError).toBeLessThan(rough.layers[0]!.typicalError / 3);
    expect(runGraph(fine.graph, dataset.pictures)).toHaveLength(180);
  });

  it('refuses maxima whose indices are used', async () => {
    const graph = withActivation('Relu');
    const nodes = graph.nodes.map((one) =>
      one.operator === 'MaxPool' ? { ...one, outputs: ['p1', 'indices'] } : one,
    );
    const dataset = labelled(graph, 2);
    await expect(
      approximateActivations({ ...graph, nodes }, dataset, { degree: 2, methods: ['square'] }),
    ).rejects.toThrow('indices of maxima');
  });

  it('stops between two candidates', async () => {
    const graph = withActivation('Relu');
    const stop = new AbortController();
    const options = { degree: 2, methods: ['square', 'minimax'] as const, signal: stop.signal };
    const running = approximateActivations(graph, labelled(graph, 2), options);
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
});
