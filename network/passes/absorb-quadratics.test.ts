import { describe, expect, it } from 'vitest';
import type { Graph, Node, Tensor } from '../model/graph.ts';
import { runGraph } from '../model/run.ts';
import { compileNetwork } from '../packing/compile.ts';
import { lowerSteps } from '../packing/general/lower-steps.ts';
import { calibrateSteps, runSteps, type StepNetwork } from '../packing/general/steps.ts';
import { graphOf, ints, node, randomPictures, randomTensor } from '../testing/small-graphs.ts';
import { SeededRandom } from '../training/random.ts';

const SIDE = 8;
const random = new SeededRandom(4);
const kernel = randomTensor(random, [3, 1, 3, 3], 0.4);
const constants = {
  kernel,
  dense: randomTensor(random, [27, 6], 0.3),
  last: randomTensor(random, [6, 4], 0.5),
  c: randomTensor(random, []),
};

/** Coefficients near `centre`, one for each map. */
function perMap(centre: number): Tensor {
  const spread = randomTensor(random, [3, 1, 1], 0.1);
  return { ...spread, data: spread.data.map((value) => centre * (1 + value)) };
}

/** a·x² + b·x + c, written as frameworks do. */
function quadratic(x: string, out: string, a: string, b: string): Node[] {
  return [
    node('Mul', [x, x], `${out}:square`),
    node('Mul', [`${out}:square`, a], `${out}:a`),
    node('Mul', [x, b], `${out}:b`),
    node('Add', [`${out}:a`, `${out}:b`], `${out}:sum`),
    node('Add', [`${out}:sum`, 'c'], out),
  ];
}

/** Convolution → activation → dense → square → dense; `rest` may read the convolution again. */
function network(
  activation: readonly Node[],
  more: Record<string, Tensor>,
  rest: readonly Node[] = [],
): Graph {
  return graphOf([1, SIDE, SIDE], 4, { ...constants, ...more }, [
    node('Conv', ['picture', 'kernel'], 'x', { strides: ints(2, 2) }),
    ...activation,
    ...rest,
    node('Flatten', [rest.at(-1)?.outputs[0] ?? 'y'], 'flat'),
    node('MatMul', ['flat', 'dense'], 'z'),
    node('Mul', ['z', 'z'], 'v'),
    node('MatMul', ['v', 'last'], 'logits'),
  ]);
}

const bare = network([node('Mul', ['x', 'x'], 'y')], {});
const pictures = randomPictures(2, 5, SIDE * SIDE);

function expectSame(graph: Graph, lowered: StepNetwork): void {
  for (const picture of pictures) {
    const truth = runGraph(graph, picture);
    runSteps(lowered, picture).forEach((value, i) => {
      expect(Math.abs(value - truth[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(truth[i]!)));
    });
  }
}

/** Terms of all linear steps. */
const terms = ({ steps }: StepNetwork): number =>
  steps.reduce((sum, step) => sum + (step.kind === 'linear' ? step.terms.length : 0), 0);

describe('AbsorbQuadratics', () => {
  it('makes a trained quadratic as cheap as a bare square, one for each map', () => {
    const graph = network(quadratic('x', 'y', 'a', 'b'), { a: perMap(0.1), b: perMap(0.5) });
    const lowered = lowerSteps(graph);
    expect(terms(lowered)).toBe(terms(lowerSteps(bare)));
    expectSame(graph, lowered);
    const options = (network: Graph) => {
      const { activations, logits } = calibrateSteps(lowerSteps(network), pictures[0]!);
      const labels = ['0', '1', '2', '3'];
      return { name: 'same', labels, activationRanges: activations, logitRange: logits };
    };
    // The very same program: the coefficients are in encrypted constants.
    expect(compileNetwork(graph, options(graph)).program).toEqual(
      compileNetwork(bare, options(bare)).program,
    );
  });

  it('leaves a value alone that goes elsewhere too', () => {
    const shortcut = network(
      quadratic('x', 'y', 'a', 'b'),
      { a: perMap(0.1), b: perMap(0.5), k: perMap(1) },
      [
        node('AveragePool', ['x'], 'pooled', { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) }),
        node('Add', ['y', 'pooled'], 'joined'),
      ],
    );
    const lowered = lowerSteps(shortcut);
    expect(terms(lowered)).toBe(terms(lowerSteps(bare)) + 1);
    expectSame(shortcut, lowered);
  });

  it('leaves a quadratic alone whose square vanishes in one map', () => {
    const a = perMap(0.1);
    a.data[1] = 0;
    const graph = network(quadratic('x', 'y', 'a', 'b'), { a, b: perMap(0.5) });
    const lowered = lowerSteps(graph);
    expect(terms(lowered)).toBe(terms(lowerSteps(bare)) + 1);
    expectSame(graph, lowered);
  });

  it('leaves a quadratic alone in which one shift would drown the others', () => {
    const a = perMap(0.1);
    a.data[2]! *= 1e-3;
    const graph = network(quadratic('x', 'y', 'a', 'b'), { a, b: perMap(0.5) });
    const lowered = lowerSteps(graph);
    expect(terms(lowered)).toBe(terms(lowerSteps(bare)) + 1);
    expectSame(graph, lowered);
  });
});
