import { describe, expect, it } from 'vitest';
import type { Graph, Node } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import {
  convolutionalGraph,
  graphOf,
  ints,
  node,
  randomPictures,
  randomTensor,
} from '#network/testing/small-graphs.ts';
import { foldBatchNormalization } from './fold-batch-normalization.ts';

const operators = (graph: Graph): string[] => graph.nodes.map((one) => one.operator);

function expectSame(before: Graph, after: Graph, values: number): void {
  const picture = randomPictures(2, 1, values)[0]!;
  const truth = runGraph(before, picture);
  runGraph(after, picture).forEach((value, i) => {
    expect(Math.abs(value - truth[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(truth[i]!)));
  });
}

/** Grouped convolution without bias → batch norm → dense, and the readers in `more`. */
function grouped(more: readonly Node[] = []): Graph {
  const random = new SeededRandom(3);
  const t = (shape: number[]) => randomTensor(random, shape);
  const variance = t([4]);
  const constants = {
    w: t([4, 1, 3, 3]),
    scale: t([4]),
    shift: t([4]),
    mean: t([4]),
    variance: { ...variance, data: variance.data.map((v) => v * v + 0.1) },
    d: t([36, 3]),
  };
  return graphOf([2, 5, 5], 3, constants, [
    node('Conv', ['picture', 'w'], 'c', { group: { kind: 'int', value: 2 } }),
    node('BatchNormalization', ['c', 'scale', 'shift', 'mean', 'variance'], 'n'),
    ...more,
    node('Flatten', [more.at(-1)?.outputs[0] ?? 'n'], 'f'),
    node('MatMul', ['f', 'd'], 'logits'),
  ]);
}

describe('FoldBatchNormalization', () => {
  it('folds into a convolution with a bias, and leaves nothing of it', () => {
    const graph = convolutionalGraph(1);
    const folded = foldBatchNormalization(graph);
    expect(operators(folded)).toEqual(operators(graph).filter((one) => one !== 'BatchNormalization'));
    expect([...folded.initializers.keys()]).not.toContain('variance');
    expectSame(graph, folded, 99);
  });

  it('folds into a grouped convolution without a bias', () => {
    const folded = foldBatchNormalization(grouped());
    expect(operators(folded)).toEqual(['Conv', 'Flatten', 'MatMul']);
    expectSame(grouped(), folded, 50);
  });

  it('keeps one whose input is read by others too, and one without a convolution before it', () => {
    const shared = grouped([node('Add', ['n', 'c'], 'sum')]);
    expect(operators(foldBatchNormalization(shared))).toEqual(operators(shared));
    const [, normalization, ...rest] = grouped().nodes;
    const pooled = { kernel_shape: ints(3, 3) };
    const apart = {
      ...grouped(),
      nodes: [
        grouped().nodes[0]!,
        node('AveragePool', ['c'], 'p', pooled),
        { ...normalization!, inputs: ['p', ...normalization!.inputs.slice(1)] },
        ...rest,
      ],
    };
    expect(operators(foldBatchNormalization(apart))).toContain('BatchNormalization');
  });

  it('refuses statistics of another size, naming the node', () => {
    const graph = grouped();
    const initializers = new Map([
      ...graph.initializers,
      ['mean', randomTensor(new SeededRandom(1), [3])] as const,
    ]);
    expect(() => foldBatchNormalization({ ...graph, initializers })).toThrow("node 'n' (BatchNormalization)");
  });
});
