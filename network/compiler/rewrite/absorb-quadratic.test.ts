import { describe, expect, it } from 'vitest';
import type { Graph } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { graphOf, node, randomPictures, randomTensor } from '#network/testing/small-graphs.ts';
import { evaluatePolynomial, type Polynomial } from '../approximation/polynomial.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { absorbQuadratic } from './absorb-quadratic.ts';
import { replaceNode } from './replace-nodes.ts';

/** Dense → p → dense. */
function denseWith(polynomial: Polynomial): Graph {
  const random = new SeededRandom(1);
  const weights = { v: randomTensor(random, [5, 4]), w: randomTensor(random, [4, 3]) };
  const activation = node('Relu', ['d'], 'a');
  const nodes = [node('MatMul', ['picture', 'v'], 'd'), activation, node('MatMul', ['a', 'w'], 'logits')];
  return replaceNode(graphOf([5], 3, weights, nodes), 'a', absorbQuadratic(activation, polynomial));
}

/** The linear steps of a graph that each read one register. */
function linearSteps(graph: Graph): { weight: Float64Array; bias: Float64Array }[] {
  return lowerSteps(graph).steps.flatMap((step) =>
    step.kind === 'linear' ? [{ weight: step.terms[0]!.affine.weight, bias: step.bias }] : [],
  );
}

describe('AbsorbQuadratic', () => {
  it.each<[string, Polynomial]>([
    ['a square', [0, 0, 1]],
    ['a quadratic', [0.25, -0.5, 0.125]],
    ['a line', [0.5, 2]],
    ['a line with a square of rounding', [0.5, 2, 1e-12]],
    ['a constant', [0.5]],
  ])('writes %s as nodes of that value', (_, polynomial) => {
    const activation = node('Relu', ['picture'], 'logits');
    const graph = replaceNode(
      graphOf([5], 5, {}, [activation]),
      'logits',
      absorbQuadratic(activation, polynomial),
    );
    const picture = Float32Array.of(-1, -0.4, 0, 0.3, 0.9);
    runGraph(graph, picture).forEach((value, i) => {
      expect(value).toBeCloseTo(evaluatePolynomial(polynomial, picture[i]!), 5);
    });
  });

  it('leaves a bare square between two layers, which take its coefficients in', () => {
    const [bare, absorbed] = [linearSteps(denseWith([0, 0, 1])), linearSteps(denseWith([0.25, -0.5, 0.125]))];
    expect(absorbed).toHaveLength(2);
    expect([...absorbed[0]!.weight]).toEqual([...bare[0]!.weight]);
    for (const bias of absorbed[0]!.bias) expect(bias).toBeCloseTo(-2, 6);
    absorbed[1]!.weight.forEach((weight, i) => {
      expect(weight).toBeCloseTo(0.125 * bare[1]!.weight[i]!, 6);
    });
  });

  it('makes one linear layer of a line', () => {
    const graph = denseWith([0.5, 2]);
    const [stage, ...others] = linearSteps(graph);
    expect(others).toHaveLength(0);
    const picture = randomPictures(3, 1, 5)[0]!;
    const truth = runGraph(graph, picture);
    for (let row = 0; row < 3; row++) {
      const sum = picture.reduce((total, x, i) => total + x * stage!.weight[row * 5 + i]!, stage!.bias[row]!);
      expect(sum).toBeCloseTo(truth[row]!, 4);
    }
  });
});
