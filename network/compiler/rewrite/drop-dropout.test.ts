import { describe, expect, it } from 'vitest';
import type { Tensor } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { graphOf, node, randomPictures, randomTensor } from '#network/testing/small-graphs.ts';
import { dropDropout } from './drop-dropout.ts';

const w = randomTensor(new SeededRandom(1), [6, 2]);
const bool = (value: number): Tensor => ({ type: 'bool', shape: [], data: Float64Array.of(value) });
const half: Tensor = { type: 'float32', shape: [], data: Float32Array.of(0.5) };

describe('DropDropout', () => {
  it('drops a chain of nodes that only pass on', () => {
    const graph = graphOf([6], 2, { w, half, off: bool(0) }, [
      node('Identity', ['picture'], 'same'),
      node('Dropout', ['same'], 'a'),
      node('Dropout', ['a', 'half', 'off'], 'b'),
      node('MatMul', ['b', 'w'], 'logits'),
    ]);
    const dropped = dropDropout(graph);
    expect(dropped.nodes.map((one) => one.operator)).toEqual(['MatMul']);
    const picture = randomPictures(1, 1, 6)[0]!;
    expect(runGraph(dropped, picture)).toEqual(runGraph(graph, picture));
  });

  it('keeps one that makes the output, one whose mask is read, and one that is set to training', () => {
    const output = graphOf([6], 6, {}, [node('Identity', ['picture'], 'logits')]);
    expect(dropDropout(output).nodes).toHaveLength(1);
    const masked = graphOf([6], 6, {}, [
      { ...node('Dropout', ['picture'], 'a'), outputs: ['a', 'mask'] },
      node('Mul', ['a', 'mask'], 'logits'),
    ]);
    expect(dropDropout(masked).nodes).toHaveLength(2);
    const training = graphOf([6], 2, { w, half, on: bool(1) }, [
      node('Dropout', ['picture', 'half', 'on'], 'a'),
      node('MatMul', ['a', 'w'], 'logits'),
    ]);
    expect(dropDropout(training).nodes).toHaveLength(2);
    expect(() => runGraph(dropDropout(training), new Float32Array(6))).toThrow('training mode is random');
  });
});
