import { describe, expect, it } from 'vitest';
import { denseGraph, graphOf, ints, node, randomPictures } from '#network/testing/small-graphs.ts';
import type { Dataset } from '../dataset.ts';
import { answerPictures } from './answer-pictures.ts';
import { runGraph } from './run.ts';

const graph = denseGraph(2, [12, 4]);
const pictures = Float32Array.from(randomPictures(3, 120, 12).flatMap((picture) => [...picture]));
const answers = Uint8Array.from({ length: 120 }, (_, n) => {
  const logits = runGraph(graph, pictures.subarray(12 * n, 12 * n + 12));
  return logits.indexOf(Math.max(...logits));
});
/** Every fourth label is not the network's answer. */
const dataset: Dataset = {
  picture: { channels: 1, height: 3, width: 4 },
  labels: ['0', '1', '2', '3'],
  pictures,
  classes: answers.map((answer, n) => (n % 4 === 0 ? (answer + 1) % 4 : answer)),
};

describe('AnswerPictures', () => {
  it('counts right answers', async () => {
    const seen: number[] = [];
    const result = await answerPictures(graph, dataset, { onProgress: (done) => seen.push(done) });
    expect(result.images).toBe(120);
    expect(result.accuracy).toBe(0.75);
    expect(result.confusion.flat().reduce((sum, count) => sum + count)).toBe(120);
    expect(seen).toEqual([50, 100, 120]);
  });

  it('goes picture by picture where a graph mixes several up', async () => {
    // A column of answers: several pictures would make a matrix with a column for each.
    const column = graphOf([12], 4, { w: graph.initializers.get('w0')!, b: graph.initializers.get('b0')! }, [
      node('Transpose', ['w'], 'rows'),
      node('Gemm', ['rows', 'picture'], 'product', { transB: { kind: 'int', value: 1 } }),
      node('Unsqueeze', ['b'], 'shift', { axes: ints(1) }),
      node('Add', ['product', 'shift'], 'logits'),
    ]);
    const { accuracy } = await answerPictures({ ...column, opset: 11 }, dataset);
    expect(accuracy).toBe(0.75);
  });

  it('ends when told to, with what it has', async () => {
    const controller = new AbortController();
    const { images, accuracy } = await answerPictures(graph, dataset, {
      signal: controller.signal,
      onProgress: (done) => done === 100 && controller.abort(),
    });
    expect(images).toBe(100);
    expect(accuracy).toBe(0.75);
  });
});
