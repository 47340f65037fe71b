import { describe, expect, it } from 'vitest';
import { evaluateNetwork } from '#backend/evaluation/evaluate-network.ts';
import type { Dataset } from '#network/model/dataset.ts';
import type { Graph } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { denseGraph, graphOf, node, randomPictures, randomTensor } from '#network/testing/small-graphs.ts';
import { makePolynomial, needsApproximation } from './polynomial-network.ts';

/** Dense → ReLU → dense on 10 values. */
function reluGraph(): Graph {
  const random = new SeededRandom(5);
  const constants = {
    w0: randomTensor(random, [10, 8], 0.5),
    b0: randomTensor(random, [8], 0.2),
    w1: randomTensor(random, [8, 3], 0.5),
    b1: randomTensor(random, [3], 0.1),
  };
  return graphOf([1, 1, 10], 3, constants, [
    node('Flatten', ['picture'], 'x'),
    node('Gemm', ['x', 'w0', 'b0'], 'd'),
    node('Relu', ['d'], 'r'),
    node('Gemm', ['r', 'w1', 'b1'], 'logits'),
  ]);
}

/** Pictures labelled with the network's answers. */
function answered(graph: Graph, count: number): Dataset {
  const pictures = Float32Array.from(randomPictures(6, count, 10).flatMap((picture) => [...picture]));
  const logits = runGraph(graph, pictures);
  const classes = Uint8Array.from({ length: count }, (_, n) => {
    const row = logits.subarray(3 * n, 3 * n + 3);
    return row.indexOf(Math.max(...row));
  });
  return { picture: { channels: 1, height: 1, width: 10 }, labels: ['0', '1', '2'], pictures, classes };
}

describe('PolynomialNetwork', () => {
  it('leaves polynomial networks and their pictures alone', async () => {
    const graph = denseGraph(1, [10, 6, 3]);
    expect(needsApproximation(graph)).toBe(false);
    const dataset = answered(graph, 20);
    const made = await makePolynomial(graph, dataset, undefined, {});
    expect(made).toEqual({ graph, dataset, layers: [] });
  });

  it('sets the last pictures aside, and answers the others nearly as before', async () => {
    const graph = reluGraph();
    expect(needsApproximation(graph)).toBe(true);
    const all = answered(graph, 200);
    const {
      graph: polynomial,
      dataset,
      calibration,
      layers,
    } = await makePolynomial(graph, all, undefined, {});
    expect(layers.map(({ operator }) => operator)).toEqual(['Relu']);
    expect(needsApproximation(polynomial)).toBe(false);
    expect(dataset.classes).toHaveLength(160);
    expect(calibration).toEqual(all.pictures.subarray(1600));
    const result = await evaluateNetwork({
      name: 'relu',
      graph: polynomial,
      dataset,
      calibration: calibration!,
      engine: 'clear',
    });
    expect(result.images).toBe(160);
    expect(result.clearAccuracy).toBeGreaterThan(0.75);
    expect(result.agreement).toBe(1);
  });

  it('needs no labels where calibration pictures are given', async () => {
    const graph = reluGraph();
    const all = answered(graph, 100);
    const given = all.pictures.slice(0, 500);
    const { dataset, calibration, layers } = await makePolynomial(graph, all, given, {});
    expect(dataset).toBe(all);
    expect(calibration).toEqual(given);
    expect(layers[0]!.accuracy).toBeGreaterThan(0.85);
  });

  it('says so where there are too few pictures to set some aside', async () => {
    const graph = reluGraph();
    await expect(makePolynomial(graph, answered(graph, 9), undefined, {})).rejects.toThrow('--calibrate');
  });
});
