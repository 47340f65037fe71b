import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Graph, Node, Tensor } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { graphOf, ints, node, randomPictures, randomTensor } from '#network/testing/small-graphs.ts';
import { compileNetwork } from '../compile.ts';
import { calibrateSteps } from '../lowering/calibrate-steps.ts';
import { lowerSteps } from '../lowering/lower-steps.ts';
import { registerDepths } from '../lowering/register-depths.ts';
import { runSteps } from '../lowering/run-steps.ts';
import type { StepNetwork } from '../lowering/steps.ts';
import { planNetwork } from '../packing/plan-network.ts';
import { absorbQuadratics } from './absorb-quadratics.ts';
import { expandPolynomial } from './expand-polynomial.ts';

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

/** Convolution → activation → dense → square → dense; `rest` may also read the convolution. */
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

/** An expression in x of degree 2 at most, in any spelling. */
type Expression =
  | { readonly kind: 'x' }
  | {
      readonly kind: 'constant';
      readonly operator: string;
      readonly of: Expression;
      readonly left: boolean;
      readonly values: readonly number[];
    }
  | { readonly kind: 'square'; readonly of: Expression; readonly power: boolean }
  | {
      readonly kind: 'pair';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    };

/** Nodes of an expression, ending in `output`; constants are added to `more`. */
function written(expression: Expression, output: string, more: Record<string, Tensor>): Node[] {
  if (expression.kind === 'x') return [node('Identity', ['x'], output)];
  const [l, r] = [`${output}l`, `${output}r`];
  if (expression.kind === 'pair') {
    const { left, right, operator } = expression;
    return [...written(left, l, more), ...written(right, r, more), node(operator, [l, r], output)];
  }
  const inner = written(expression.of, l, more);
  if (expression.kind === 'constant') {
    const { values, left, operator } = expression;
    more[r] = {
      type: 'float32',
      shape: values.length === 1 ? [] : [1, 3, 1, 1],
      data: Float32Array.from(values),
    };
    return [...inner, node(operator, left && operator !== 'Div' ? [r, l] : [l, r], output)];
  }
  more[r] = { type: 'float32', shape: [], data: Float32Array.of(2) };
  return [...inner, expression.power ? node('Pow', [l, r], output) : node('Mul', [l, l], output)];
}

const number = fc.oneof(
  fc.double({ min: 0.25, max: 2, noNaN: true }),
  fc.double({ min: -2, max: -0.25, noNaN: true }),
  fc.constant(0),
);
const values = fc.oneof(fc.array(number, { minLength: 1, maxLength: 1 }), fc.tuple(number, number, number));
const nonzero = fc.array(fc.double({ min: 0.5, max: 2, noNaN: true }), { minLength: 1, maxLength: 1 });
const withConstant = (of: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> =>
  fc.oneof(
    fc.record({
      kind: fc.constant('constant' as const),
      operator: fc.constantFrom('Add', 'Sub', 'Mul'),
      of,
      left: fc.boolean(),
      values,
    }),
    fc.record({
      kind: fc.constant('constant' as const),
      operator: fc.constant('Div'),
      of,
      left: fc.constant(false),
      values: nonzero,
    }),
  );
const pair = (operators: string[], of: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> =>
  fc.record({
    kind: fc.constant('pair' as const),
    operator: fc.constantFrom(...operators),
    left: of,
    right: of,
  });
const { quadratic: quadratics } = fc.letrec<{ linear: Expression; quadratic: Expression }>((tie) => ({
  linear: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant({ kind: 'x' as const }),
    withConstant(tie('linear')),
    pair(['Add', 'Sub'], tie('linear')),
  ),
  quadratic: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    pair(['Mul'], tie('linear')),
    fc.record({ kind: fc.constant('square' as const), of: tie('linear'), power: fc.boolean() }),
    withConstant(tie('quadratic')),
    pair(['Add', 'Sub'], fc.oneof(tie('linear'), tie('quadratic'))),
  ),
}));
/** The expression's values at x = −1, 0, 1 give its coefficients. */
function coefficients(expression: Expression, channel: number): [a: number, b: number, c: number] {
  const at = (x: number, e: Expression): number => {
    if (e.kind === 'x') return x;
    if (e.kind === 'square') return at(x, e.of) ** 2;
    const constant = e.kind === 'constant' ? Math.fround(e.values[channel] ?? e.values[0]!) : 0;
    const [l, r] = e.kind === 'pair' ? [at(x, e.left), at(x, e.right)] : [at(x, e.of), constant];
    const [first, second] = e.kind === 'constant' && e.left && e.operator !== 'Div' ? [r, l] : [l, r];
    if (e.operator === 'Add') return first + second;
    if (e.operator === 'Sub') return first - second;
    return e.operator === 'Mul' ? first * second : first / second;
  };
  const [low, middle, high] = [at(-1, expression), at(0, expression), at(1, expression)];
  return [(low + high) / 2 - middle, (high - low) / 2, middle];
}

const depthOf = (graph: Graph): number => registerDepths(lowerSteps(graph)).at(-1)!;

describe('AbsorbQuadratics', () => {
  it('makes one bare square of any quadratic, however it is written, and changes no answer', () => {
    let completed = 0;
    let kept = 0;
    fc.assert(
      fc.property(quadratics, (expression) => {
        const more: Record<string, Tensor> = {};
        const graph = network(written(expression, 'y', more), more);
        const lowered = lowerSteps(graph);
        expectSame(graph, lowered);
        const channels = [0, 1, 2].map((channel) => coefficients(expression, channel));
        const ratios = channels.map(([a, b]) => Math.abs(b / a)).sort((p, q) => p - q);
        const sane = channels.every(([a]) => Math.abs(a) > 1e-6) && ratios[2]! <= 60 * ratios[1]!;
        if (sane) {
          expect(depthOf(graph)).toBe(depthOf(bare));
          expect(terms(lowered)).toBe(terms(lowerSteps(bare)));
          completed++;
        } else {
          // A channel without a square may need x itself, but never a level more.
          expect(depthOf(graph)).toBeLessThanOrEqual(depthOf(bare));
          kept++;
        }
      }),
      { seed: 5, numRuns: 300 },
    );
    expect(completed).toBeGreaterThan(100);
    expect(kept).toBeGreaterThan(20);
  });

  it('plans a quadratic of PyTorch at the levels and time of a square', () => {
    const graph = network(
      [
        node('Mul', ['a', 'x'], 'ax'),
        node('Mul', ['ax', 'x'], 'axx'),
        node('Mul', ['b', 'x'], 'bx'),
        node('Add', ['axx', 'bx'], 'y'),
      ],
      { a: perMap(0.1), b: perMap(0.5) },
    );
    const [{ plan, literal }, square] = [planNetwork(lowerSteps(graph)), planNetwork(lowerSteps(bare))];
    expect([literal, plan.milliseconds]).toEqual([square.literal, square.plan.milliseconds]);
  });

  it('leaves bare squares and polynomials of higher degree as they are', () => {
    expect(absorbQuadratics(bare).nodes).toEqual(bare.nodes);
    const { nodes, initializers } = expandPolynomial(node('Relu', ['x'], 'y'), [0.1, 0.5, 0.2, 0.1, 0.05], 2);
    const fourth = network(nodes, { ...initializers });
    expect(absorbQuadratics(fourth).nodes).toEqual(fourth.nodes);
  });

  it('shares one square where the same quadratic is read twice, and keeps x where two differ', () => {
    const twice = (factor: number): Graph =>
      network(
        [
          node('Mul', ['a', 'x'], 'ax'),
          node('Mul', ['ax', 'x'], 'axx'),
          node('Mul', ['b', 'x'], 'bx'),
          node('Add', ['axx', 'bx'], 'p'),
          node('Mul', ['bx', 'k'], 'kbx'),
          node('Sub', ['axx', 'kbx'], 'q'),
          node('AveragePool', ['p'], 'pooled', { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) }),
          node('Transpose', ['q'], 'turned', { perm: ints(0, 1, 3, 2) }),
          node('Add', ['pooled', 'turned'], 'y'),
        ],
        {
          ...{ a: perMap(0.1), b: perMap(0.5) },
          k: { type: 'float32', shape: [], data: Float32Array.of(factor) },
        },
      );
    for (const [factor, more] of [
      [-1, 0],
      [0.5, 1],
    ] as const) {
      const graph = twice(factor);
      const lowered = lowerSteps(graph);
      expectSame(graph, lowered);
      expect(terms(lowered)).toBe(terms(lowerSteps(bare)) + more);
      expect(depthOf(graph)).toBe(depthOf(bare));
    }
  });

  it('takes out what is computed in vain: a channel without any activation at all', () => {
    const [a, b] = [perMap(0.1), perMap(0.5)];
    a.data[1] = 0;
    b.data[1] = 0;
    const graph = network(quadratic('x', 'y', 'a', 'b'), { a, b });
    expect(terms(lowerSteps(graph))).toBe(terms(lowerSteps(bare)));
    expectSame(graph, lowerSteps(graph));
  });

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
    // Exactly the same program: the coefficients are in encrypted constants.
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
