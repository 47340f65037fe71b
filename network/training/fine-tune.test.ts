import { describe, expect, it } from 'vitest';
import { allOf, type Dataset } from '#network/model/dataset.ts';
import { answerPictures } from '#network/model/run/answer-pictures.ts';
import { convolutionalGraph, denseGraph, node, randomPictures } from '../testing/small-graphs.ts';
import { fineTune } from './fine-tune.ts';

/** Pictures of 20 values; the label is whether the first half is brighter on average. */
function dataset(seed: number, count: number): Dataset {
  const pictures = randomPictures(seed, count, 20);
  const sum = (values: Float32Array): number => values.reduce((a, b) => a + b, 0);
  return {
    picture: { channels: 1, height: 1, width: 20 },
    labels: ['no', 'yes'],
    pictures: Float32Array.from(pictures.flatMap((picture) => [...picture])),
    classes: Uint8Array.from(pictures, (picture) =>
      sum(picture.subarray(0, 10)) > sum(picture.subarray(10)) ? 1 : 0,
    ),
  };
}

describe('FineTune', () => {
  it('improves a network without touching the one it was given', async () => {
    const graph = denseGraph(2, [20, 12, 2]);
    const { accuracy: before } = await answerPictures(graph, dataset(9, 200));
    const kept = graph.initializers.get('w0')!.data.slice();
    const tuned = await fineTune(graph, allOf(dataset(1, 400)), {
      epochs: 8,
      batch: 20,
      learningRate: 0.03,
      seed: 1,
    });
    const { accuracy } = await answerPictures(tuned, dataset(9, 200));
    expect(accuracy).toBeGreaterThan(Math.max(0.85, before));
    expect(graph.initializers.get('w0')!.data).toEqual(kept);
  });

  it('obeys a signal and refuses activations', async () => {
    const options = { epochs: 1, batch: 4, learningRate: 0.01, seed: 1 };
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(
      fineTune(denseGraph(2, [20, 12, 2]), allOf(dataset(1, 8)), { ...options, signal }),
    ).rejects.toThrow('enough');
    const given = convolutionalGraph(1);
    const sigmoid = {
      ...given,
      nodes: given.nodes.map((one) => (one.name === 's2' ? node('Sigmoid', ['d2'], 's2') : one)),
    };
    const pictures = randomPictures(1, 4, 99);
    const small: Dataset = {
      picture: { channels: 1, height: 9, width: 11 },
      labels: ['a', 'b', 'c'],
      pictures: Float32Array.from(pictures.flatMap((picture) => [...picture])),
      classes: Uint8Array.of(0, 1, 2, 0),
    };
    await expect(fineTune(sigmoid, allOf(small), options)).rejects.toThrow(
      "node 's2' (Sigmoid): cannot be trained; approximate activations",
    );
  });
});
