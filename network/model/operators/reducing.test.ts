import { describe, expect, it } from 'vitest';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { runSteps } from '#network/compiler/lowering/run-steps.ts';
import { graphOf, ints, node, randomPictures, randomTensor } from '../../testing/small-graphs.ts';
import { fineTune } from '../../training/fine-tune.ts';
import { allOf } from '../dataset.ts';
import type { Graph, Tensor } from '../graph.ts';
import { SeededRandom } from '../random.ts';
import { runGraph } from '../run/run.ts';

const random = new SeededRandom(6);
const [CHANNELS, HEIGHT, WIDTH] = [3, 4, 5];
const dense = randomTensor(random, [CHANNELS, 2]);

/** Nodes that make one number per channel, then a dense layer. */
function network(operator: string, axes: number[], keep: 0 | 1, opset: 13 | 18): Graph {
  const keepdims = { keepdims: { kind: 'int', value: keep } } as const;
  const asInput = opset === 18 || operator === 'ReduceSum';
  const tensor: Tensor = { type: 'int64', shape: [axes.length], data: Float64Array.from(axes) };
  const reduce = asInput
    ? node(operator, ['picture', 'axes'], 'r', keepdims)
    : node(operator, ['picture'], 'r', { ...keepdims, axes: ints(...axes) });
  return {
    ...graphOf([CHANNELS, HEIGHT, WIDTH], 2, { dense, axes: tensor }, [
      reduce,
      node('Flatten', ['r'], 'f'),
      node('MatMul', ['f', 'dense'], 'logits'),
    ]),
    opset,
  };
}

const average = graphOf([CHANNELS, HEIGHT, WIDTH], 2, { dense }, [
  node('GlobalAveragePool', ['picture'], 'r'),
  node('Flatten', ['r'], 'f'),
  node('MatMul', ['f', 'dense'], 'logits'),
]);
const picture = randomPictures(2, 1, CHANNELS * HEIGHT * WIDTH)[0]!;

describe('Reducing', () => {
  it.each([13, 18] as const)(
    'is a global average pool over height and width, in operator set %i',
    (opset) => {
      for (const operator of ['ReduceMean', 'ReduceSum']) {
        const factor = operator === 'ReduceSum' ? HEIGHT * WIDTH : 1;
        for (const axes of [
          [2, 3],
          [3, 2],
          [-1, -2],
          [2, -1],
        ]) {
          for (const keep of [0, 1] as const) {
            const graph = network(operator, axes, keep, opset);
            const [clear, lowered] = [runGraph(graph, picture), runSteps(lowerSteps(graph), picture)];
            runGraph(average, picture).forEach((value, i) => {
              expect(clear[i]).toBeCloseTo(factor * value, 4);
              expect(lowered[i]).toBeCloseTo(factor * value, 4);
            });
          }
        }
      }
    },
  );

  it('is trained as a global average pool is', async () => {
    const pictures = Float32Array.from(
      randomPictures(3, 8, CHANNELS * HEIGHT * WIDTH).flatMap((one) => [...one]),
    );
    const dataset = {
      picture: { channels: CHANNELS, height: HEIGHT, width: WIDTH },
      labels: ['a', 'b'],
      pictures,
      classes: Uint8Array.from({ length: 8 }, (_, n) => n % 2),
    };
    const options = { epochs: 2, batch: 4, learningRate: 0.01, seed: 1 };
    const [mean, pool] = [
      await fineTune(network('ReduceMean', [2, 3], 0, 13), allOf(dataset), options),
      await fineTune(average, allOf(dataset), options),
    ];
    const [trained, wanted] = [mean, pool].map((graph) => [...graph.initializers.get('dense')!.data]);
    trained!.forEach((weight, i) => {
      expect(weight).toBeCloseTo(wanted![i]!, 5);
    });
    expect(trained).not.toEqual([...dense.data]);
  });

  it('refuses an axis that is not there, and the pictures of a batch', () => {
    expect(() => runGraph(network('ReduceMean', [4], 1, 13), picture)).toThrow('axis 4 is outside');
    const pictures = {
      ...network('ReduceMean', [0, 2, 3], 0, 13),
      nodes: network('ReduceMean', [0, 2, 3], 0, 13).nodes,
    };
    const flat = pictures.nodes.map((one) =>
      one.operator === 'Flatten' ? node('Reshape', ['r', 'row'], 'f') : one,
    );
    const row: Tensor = { type: 'int64', shape: [2], data: Float64Array.of(1, CHANNELS) };
    const graph = {
      ...pictures,
      nodes: flat,
      initializers: new Map([...pictures.initializers, ['row', row]]),
    };
    expect(() => lowerSteps(graph)).toThrow('a mean or sum over the pictures of a batch');
  });
});
