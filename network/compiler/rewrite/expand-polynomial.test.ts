import { describe, expect, it } from 'vitest';
import type { Graph } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { graphOf, node, randomTensor } from '#network/testing/small-graphs.ts';
import { evaluatePolynomial, type Polynomial } from '../approximation/polynomial.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { expandPolynomial } from './expand-polynomial.ts';
import { replaceNode } from './replace-nodes.ts';

const VALUES = 5;

/** picture → p → logits. */
function graphWith(polynomial: Polynomial): Graph {
  const activation = node('Relu', ['picture'], 'logits');
  const graph = graphOf([VALUES], VALUES, {}, [activation]);
  return replaceNode(graph, 'logits', expandPolynomial(activation, polynomial));
}

/** Dense → p → dense. */
function denseWith(polynomial: Polynomial): Graph {
  const random = new SeededRandom(1);
  const weights = { v: randomTensor(random, [VALUES, 4]), w: randomTensor(random, [4, 3]) };
  const activation = node('Relu', ['d'], 'a');
  const nodes = [node('MatMul', ['picture', 'v'], 'd'), activation, node('MatMul', ['a', 'w'], 'logits')];
  return replaceNode(graphOf([VALUES], 3, weights, nodes), 'a', expandPolynomial(activation, polynomial));
}

/** Steps on the longest path from the picture to the logits: levels consumed. */
function depth(graph: Graph): number {
  const depths = [0];
  for (const step of lowerSteps(graph).steps) {
    const sources =
      step.kind === 'linear'
        ? step.terms.map(({ source }) => source)
        : step.kind === 'product'
          ? [step.left, step.right]
          : [step.source];
    depths.push(1 + Math.max(...sources.map((source) => depths[source]!)));
  }
  return depths.at(-1)!;
}

const coefficients = new SeededRandom(9);
const ofDegree = (degree: number): Polynomial =>
  Array.from({ length: degree + 1 }, () => coefficients.uniform(-1, 1));

describe('ExpandPolynomial', () => {
  it.each<[Polynomial, number]>([
    [[0.5, 2], 1],
    [ofDegree(2), 3],
    [ofDegree(3), 5],
    [ofDegree(4), 5],
    [ofDegree(5), 6],
    [ofDegree(8), 6],
    [[1, -4, 6, -4, 1], 7],
  ])('writes %j as nodes of that value, few levels deep', (polynomial, levels) => {
    const picture = Float32Array.of(-1, -0.4, 0, 0.3, 0.9);
    const values = runGraph(graphWith(polynomial), picture);
    picture.forEach((x, i) => {
      expect(values[i]).toBeCloseTo(evaluatePolynomial(polynomial, x), 5);
    });
    expect(depth(denseWith(polynomial))).toBe(levels);
  });
});
