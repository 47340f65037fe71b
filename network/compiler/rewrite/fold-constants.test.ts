import { describe, expect, it } from 'vitest';
import type { Tensor } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { graphOf, node, randomPictures, randomTensor } from '#network/testing/small-graphs.ts';
import { foldConstants } from './fold-constants.ts';

const random = new SeededRandom(1);
const shape: Tensor = { type: 'int64', shape: [2], data: Float64Array.of(6, 2) };

describe('FoldConstants', () => {
  it('computes what does not depend on the picture', () => {
    const graph = graphOf(
      [6],
      2,
      { w: randomTensor(random, [2, 3, 2]), s: shape, k: randomTensor(random, [6]) },
      [
        node('Reshape', ['w', 's'], 'matrix'),
        node('Mul', ['picture', 'k'], 'scaled'),
        node('MatMul', ['scaled', 'matrix'], 'logits'),
      ],
    );
    const folded = foldConstants(graph);
    expect(folded.nodes.map((one) => one.operator)).toEqual(['Mul', 'MatMul']);
    expect([...folded.initializers.keys()].sort()).toEqual(['k', 'matrix']);
    const picture = randomPictures(1, 1, 6)[0]!;
    expect(runGraph(folded, picture)).toEqual(runGraph(graph, picture));
  });
});
