import { describe, expect, it } from 'vitest';
import type { Node } from '#network/model/graph.ts';
import { runGraph } from '#network/model/run/run.ts';
import { denseGraph, node, randomPictures } from '#network/testing/small-graphs.ts';
import { dropEnding } from './drop-ending.ts';

const bare = denseGraph(3, [6, 4]);
const picture = randomPictures(1, 1, 6)[0]!;

/** The network with more nodes after its logits. */
function ended(...nodes: Node[]) {
  const name = nodes.at(-1)!.outputs[0]!;
  return { ...bare, nodes: [...bare.nodes, ...nodes], outputs: [{ ...bare.outputs[0]!, name }] };
}

describe('DropEnding', () => {
  it.each([
    ['Softmax', [node('Softmax', ['logits'], 'p')]],
    ['LogSoftmax', [node('LogSoftmax', ['logits'], 'p')]],
    ['ArgMax', [node('ArgMax', ['logits'], 'p', { axis: { kind: 'int', value: 1 } })]],
    [
      'Softmax',
      [node('Softmax', ['logits'], 'p'), node('Flatten', ['p'], 'f'), node('Identity', ['f'], 'i')],
    ],
    ['Softmax', [node('Softmax', ['logits'], 'p'), node('ArgMax', ['p'], 'a'), node('Squeeze', ['a'], 's')]],
  ])('takes %s off, whatever shape comes behind it', (operator, nodes) => {
    const { graph, ending } = dropEnding(ended(...nodes));
    expect(ending?.operator).toBe(operator);
    expect(runGraph(graph, picture)).toEqual(runGraph(bare, picture));
  });

  it('takes a Sigmoid off only where that is said, and leaves what is no ending', () => {
    const sigmoid = ended(node('Sigmoid', ['logits'], 'p'));
    expect(dropEnding(sigmoid)).toEqual({ graph: sigmoid, ending: null });
    expect(dropEnding(sigmoid, { sigmoid: true }).ending?.operator).toBe('Sigmoid');
    expect(dropEnding(bare, { sigmoid: true })).toEqual({ graph: bare, ending: null });
  });
});
