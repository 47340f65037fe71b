import { describe, expect, it } from 'vitest';
import type { Dataset } from '../datasets/dataset.ts';
import type { Tensor } from '../model/graph.ts';
import { graphAccuracy } from '../passes/approximate-activations.ts';
import {
  convolutionalGraph,
  denseGraph,
  graphOf,
  ints,
  node,
  randomPictures,
  randomTensor,
} from '../testing/small-graphs.ts';
import { fineTune } from './fine-tune.ts';
import { differentiateGraph, trainableNames } from './gradients/graph-gradients.ts';
import { SeededRandom } from './random.ts';

/** A graph with every operator that has a gradient. */
function everything(): ReturnType<typeof graphOf> {
  const random = new SeededRandom(4);
  const shape: Tensor = { type: 'int64', shape: [2], data: Float64Array.of(0, -1) };
  const pads: Tensor = { type: 'int64', shape: [8], data: Float64Array.of(0, 0, 1, 0, 0, 0, 0, 1) };
  const t = (extents: number[]): Tensor => randomTensor(random, extents, 0.5);
  return graphOf(
    [2, 5, 6],
    3,
    {
      w: t([4, 1, 3, 3]),
      b: t([4]),
      k: t([4, 1, 1]),
      w2: t([3, 48]),
      b2: t([3]),
      w3: t([4, 3]),
      s: shape,
      p: pads,
      one: t([3]),
      q: t([3, 3]),
    },
    [
      node('Pad', ['picture', 'p'], 'padded'),
      node('Conv', ['padded', 'w', 'b'], 'c', {
        group: { kind: 'int', value: 2 },
        pads: ints(1, 1, 1, 1),
        strides: ints(1, 2),
      }),
      node('Mul', ['c', 'c'], 'square'),
      node('Mul', ['square', 'k'], 'scaled'),
      node('AveragePool', ['scaled'], 'pooled', { kernel_shape: ints(2, 1), strides: ints(2, 1) }),
      node('Transpose', ['pooled'], 'moved', { perm: ints(0, 2, 3, 1) }),
      node('Reshape', ['moved', 's'], 'flat'),
      node('Gemm', ['flat', 'w2', 'b2'], 'd', {
        transB: { kind: 'int', value: 1 },
        alpha: { kind: 'float', value: 0.7 },
      }),
      node('GlobalAveragePool', ['scaled'], 'global'),
      node('Flatten', ['global'], 'globalFlat'),
      node('MatMul', ['globalFlat', 'w3'], 'e'),
      node('Sub', ['d', 'e'], 'f'),
      node('Add', ['f', 'one'], 'g'),
      node('MatMul', ['g', 'q'], 'logits'),
    ],
  );
}

/** Pictures of 20 values; the label is whether the first half is brighter on the whole. */
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
  it('computes the gradients that differences say, for every operator', () => {
    const graph = everything();
    const pictures: Tensor = {
      type: 'float32',
      shape: [2, 2, 5, 6],
      data: Float32Array.from(randomPictures(1, 2, 60).flatMap((p) => [...p])),
    };
    const weights = Float64Array.from({ length: 6 }, (_, i) => Math.sin(i + 1));
    const loss = (): number => {
      let sum = 0;
      differentiateGraph(graph, pictures, ({ data }) => {
        sum = weights.reduce((total, w, i) => total + w * data[i]!, 0);
        return weights.slice();
      });
      return sum;
    };
    const { gradients } = differentiateGraph(graph, pictures, () => weights.slice());
    expect([...gradients.keys()].sort()).toEqual(['b', 'b2', 'k', 'one', 'q', 'w', 'w2', 'w3']);
    for (const name of trainableNames(graph)) {
      const { data } = graph.initializers.get(name)!;
      for (const i of new Set([0, data.length >> 1, data.length - 1])) {
        const kept = data[i]!;
        data[i] = kept + 2 ** -10;
        const above = loss();
        data[i] = kept - 2 ** -10;
        const below = loss();
        data[i] = kept;
        const measured = (above - below) / 2 ** -9;
        expect(Math.abs(gradients.get(name)![i]! - measured), `${name}[${i}]`).toBeLessThan(
          1e-3 * Math.max(1, Math.abs(measured)),
        );
      }
    }
  });

  it('improves a network without touching the one it was given', async () => {
    const graph = denseGraph(2, [20, 12, 2]);
    const before = graphAccuracy(graph, dataset(9, 200));
    const kept = graph.initializers.get('w0')!.data.slice();
    const tuned = await fineTune(graph, dataset(1, 400), {
      epochs: 8,
      batch: 20,
      learningRate: 0.03,
      seed: 1,
    });
    expect(graphAccuracy(tuned, dataset(9, 200))).toBeGreaterThan(Math.max(0.85, before));
    expect(graph.initializers.get('w0')!.data).toEqual(kept);
  });

  it('obeys a signal and refuses activations', async () => {
    const options = { epochs: 1, batch: 4, learningRate: 0.01, seed: 1 };
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(fineTune(denseGraph(2, [20, 12, 2]), dataset(1, 8), { ...options, signal })).rejects.toThrow(
      'enough',
    );
    const given = convolutionalGraph(1);
    const relu = {
      ...given,
      nodes: given.nodes.map((one) => (one.name === 's2' ? node('Relu', ['d2'], 's2') : one)),
    };
    const pictures = randomPictures(1, 4, 99);
    const small: Dataset = {
      picture: { channels: 1, height: 9, width: 11 },
      labels: ['a', 'b', 'c'],
      pictures: Float32Array.from(pictures.flatMap((picture) => [...picture])),
      classes: Uint8Array.of(0, 1, 2, 0),
    };
    await expect(fineTune(relu, small, options)).rejects.toThrow(
      "node 's2' (Relu): cannot be trained; approximate activations",
    );
  });
});
