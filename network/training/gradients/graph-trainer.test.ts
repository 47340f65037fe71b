import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { evaluateGraph } from '#network/model/run/run.ts';
import type { Graph, Tensor } from '../../model/graph.ts';
import { graphOf, ints, node, randomPictures, randomTensor } from '../../testing/small-graphs.ts';
import { GraphTrainer } from './graph-trainer.ts';

const BATCH = 2;

/** A graph with every operator that has a gradient, and operands of all shapes on both sides. */
function everything(): Graph {
  const random = new SeededRandom(4);
  const t = (...extents: number[]): Tensor => randomTensor(random, extents, 0.5);
  const away = (tensor: Tensor): Tensor => ({ ...tensor, data: tensor.data.map((x) => Math.abs(x) + 1) });
  const integers = (...values: number[]): Tensor => ({
    type: 'int64',
    shape: [values.length],
    data: Float64Array.from(values),
  });
  return graphOf(
    [2, 5, 6],
    3,
    {
      w: t(4, 1, 3, 3),
      b: t(4),
      k: t(4, 1, 1),
      w2: t(3, 48),
      b2: t(3),
      w3: t(16, 3),
      one: t(3),
      half: t(),
      quotient: away(t(3)),
      dividend: t(1, 3),
      q: t(3, 3),
      scale: t(4),
      shift: t(4),
      mean: t(4),
      variance: away(t(4)),
      shape: integers(0, -1),
      pads: integers(0, 0, 1, 0, 0, 0, 0, 1),
      from: integers(1),
      to: integers(4),
      along: integers(1),
    },
    [
      node('Pad', ['picture', 'pads'], 'padded'),
      node('Conv', ['padded', 'w', 'b'], 'c', {
        group: { kind: 'int', value: 2 },
        pads: ints(1, 1, 1, 1),
        strides: ints(1, 2),
      }),
      node('Mul', ['c', 'c'], 'square'),
      node('Mul', ['k', 'square'], 'scaled'),
      node('AveragePool', ['scaled'], 'pooled', { kernel_shape: ints(2, 1), strides: ints(2, 1) }),
      node('Transpose', ['pooled'], 'moved', { perm: ints(0, 2, 3, 1) }),
      node('Reshape', ['moved', 'shape'], 'flat'),
      node('Gemm', ['flat', 'w2', 'b2'], 'd', {
        transB: { kind: 'int', value: 1 },
        alpha: { kind: 'float', value: 0.7 },
        beta: { kind: 'float', value: 0.9 },
      }),
      node('BatchNormalization', ['scaled', 'scale', 'shift', 'mean', 'variance'], 'normal'),
      node('SpaceToDepth', ['normal'], 'blocks', { blocksize: { kind: 'int', value: 2 } }),
      node('GlobalAveragePool', ['blocks'], 'global'),
      node('Flatten', ['global'], 'globalFlat'),
      node('MatMul', ['globalFlat', 'w3'], 'e'),
      node('Sub', ['half', 'e'], 'f'),
      node('Concat', ['d', 'f'], 'joined', { axis: { kind: 'int', value: 1 } }),
      node('Slice', ['joined', 'from', 'to', 'along'], 'some'),
      node('Div', ['some', 'quotient'], 'divided'),
      node('Mul', ['divided', 'divided'], 'large'),
      node('Add', ['large', 'one'], 'positive'),
      node('Gemm', ['positive', 'q'], 'g'),
      node('Mul', ['g', 'g'], 'h'),
      node('Add', ['h', 'quotient'], 'divisor'),
      node('Div', ['dividend', 'divisor'], 'logits'),
    ],
  );
}

/** A number for every logit: the gradient of a loss that is the sum of the products. */
const WEIGHTS = Float32Array.from({ length: 3 * BATCH }, (_, i) => Math.sin(i + 1));

describe('GraphTrainer', () => {
  it('computes what the graph does, and the gradients that differences say, for every operator', async () => {
    const graph = everything();
    const data = Float32Array.from(randomPictures(1, BATCH, 60).flatMap((picture) => [...picture]));
    const picture: Tensor = { type: 'float32', shape: [BATCH, 2, 5, 6], data };
    const answer = (): number[] => [
      ...evaluateGraph(graph, new Map([['picture', picture]])).get('logits')!.data,
    ];
    const loss = (): number => answer().reduce((sum, logit, i) => sum + logit * WEIGHTS[i]!, 0);

    const trainer = await GraphTrainer.create(graph, BATCH);
    // Twice, with other pictures first: nothing may remain from a batch.
    for (const pictures of [data.map((x) => 1 - x), data]) {
      trainer.pictures.set(pictures);
      trainer.forward();
      trainer.backward((gradient) => gradient.set(WEIGHTS));
    }

    answer().forEach((logit, i) => {
      expect(trainer.logits[i]).toBeCloseTo(logit, 4);
    });
    const names = trainer.parameters.map(({ name }) => name).sort();
    expect(names).toEqual(['b', 'b2', 'dividend', 'half', 'k', 'one', 'q', 'quotient', 'w', 'w2', 'w3']);
    for (const { name, gradients } of trainer.parameters) {
      const numbers = graph.initializers.get(name)!.data;
      for (let i = 0; i < numbers.length; i++) {
        const kept = numbers[i]!;
        numbers[i] = kept + 2 ** -12;
        const above = loss();
        numbers[i] = kept - 2 ** -12;
        const below = loss();
        numbers[i] = kept;
        const measured = (above - below) / 2 ** -11;
        expect(Math.abs(gradients[i]! - measured), `${name}[${i}]`).toBeLessThan(
          1e-3 * Math.max(0.1, Math.abs(measured)),
        );
      }
    }
  });

  it('places operands as operator sets before 7 do, and leaves alone what it reads once and what no answer needs', async () => {
    const random = new SeededRandom(2);
    const one = randomTensor(random, [3]);
    const given = graphOf([3, 3], 3, { w: randomTensor(random, [3]), one, zero: randomTensor(random, [3]) }, [
      // Along the rows, not the columns, of a square.
      node('Add', ['picture', 'w'], 'a', {
        broadcast: { kind: 'int', value: 1 },
        axis: { kind: 'int', value: 1 },
      }),
      node('Unsqueeze', ['a'], 'b', { axes: ints(3) }),
      node('BatchNormalization', ['b', 'one', 'zero', 'zero', 'one'], 'c'),
      node('GlobalAveragePool', ['c'], 'd'),
      node('Flatten', ['d'], 'e'),
      node('Mul', ['e', 'one'], 'logits'),
      node('Relu', ['e'], 'unused'),
    ]);
    const positive = { ...one, data: one.data.map((x) => Math.abs(x) + 1) };
    const graph = { ...given, opset: 6, initializers: new Map([...given.initializers, ['one', positive]]) };
    const data = Float32Array.from(randomPictures(1, BATCH, 9).flatMap((picture) => [...picture]));
    const trainer = await GraphTrainer.create(graph, BATCH);
    expect(trainer.parameters.map(({ name }) => name)).toEqual(['w']);
    trainer.pictures.set(data);
    trainer.forward();
    const picture: Tensor = { type: 'float32', shape: [BATCH, 3, 3], data };
    evaluateGraph(graph, new Map([['picture', picture]]))
      .get('logits')!
      .data.forEach((logit, i) => {
        expect(trainer.logits[i]).toBeCloseTo(logit, 5);
      });
  });

  it('refuses products of two pictures', async () => {
    const random = new SeededRandom(1);
    const graph = graphOf([2, 2], 2, { w: randomTensor(random, [2, 2]) }, [
      node('MatMul', ['picture', 'w'], 'a'),
      node('MatMul', ['a', 'picture'], 'logits'),
    ]);
    await expect(GraphTrainer.create(graph, BATCH)).rejects.toThrow(
      "node 'logits' (MatMul): only products with one matrix of weights are trained",
    );
  });
});
