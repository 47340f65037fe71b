import { describe, expect, it } from 'vitest';
import { NetworkError } from '#network/errors.ts';
import type { Graph, Node, Tensor } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { runGraph } from '#network/model/run/run.ts';
import { randomStack } from '#network/testing/random-stack.ts';
import {
  convolutionalGraph,
  graphOf,
  ints,
  node,
  randomPictures,
  randomTensor,
} from '#network/testing/small-graphs.ts';
import { lowerSteps } from './lower-steps.ts';
import { runSteps } from './run-steps.ts';
import type { LinearStep } from './steps.ts';

const random = new SeededRandom(5);
const dense: Tensor = randomTensor(random, [60, 3]);

/** picture 2 × 5 × 6 → the given nodes → `h` (60 values or as `width`) → dense. */
function linearGraph(nodes: readonly Node[], initializers: Record<string, Tensor> = {}, width = 60): Graph {
  return graphOf([2, 5, 6], 3, { ...initializers, wd: randomTensor(new SeededRandom(1), [width, 3]) }, [
    ...nodes,
    node('Flatten', ['h'], 'flat'),
    node('MatMul', ['flat', 'wd'], 'logits'),
  ]);
}

const picture = randomPictures(3, 1, 60)[0]!;

function expectSame(graph: Graph, pixels = picture): void {
  const truth = runGraph(graph, pixels);
  runSteps(lowerSteps(graph), pixels).forEach((value, i) => {
    expect(Math.abs(value - truth[i]!)).toBeLessThan(1e-5);
  });
}

/** Linear steps of a graph. */
function linearSteps(graph: Graph): LinearStep[] {
  return lowerSteps(graph).steps.flatMap((step) => (step.kind === 'linear' ? [step] : []));
}

const shape = (...values: number[]): Tensor => ({
  type: 'int64',
  shape: [values.length],
  data: Float64Array.from(values),
});

describe('LowerSteps', () => {
  const cases: [string, Graph][] = [
    [
      'grouped, dilated convolution',
      linearGraph(
        [
          node('Conv', ['picture', 'w'], 'h', {
            group: { kind: 'int', value: 2 },
            dilations: ints(2, 2),
            pads: ints(2, 2, 2, 2),
          }),
        ],
        { w: randomTensor(random, [2, 1, 3, 3]) },
      ),
    ],
    [
      'auto_pad',
      linearGraph(
        [node('Conv', ['picture', 'w'], 'h', { auto_pad: { kind: 'string', value: 'SAME_UPPER' } })],
        { w: randomTensor(random, [2, 2, 3, 2]) },
      ),
    ],
    [
      'mean pooling with padding',
      linearGraph([
        node('AveragePool', ['picture'], 'h', { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1) }),
      ]),
    ],
    ['a squared picture', linearGraph([node('Mul', ['picture', 'picture'], 'h')])],
    ['global mean pooling', linearGraph([node('GlobalAveragePool', ['picture'], 'h')], {}, 2)],
    [
      'transpose and reshape',
      linearGraph(
        [node('Transpose', ['picture'], 't', { perm: ints(0, 2, 3, 1) }), node('Reshape', ['t', 's'], 'h')],
        { s: shape(0, -1) },
      ),
    ],
    [
      'slice',
      linearGraph(
        [node('Slice', ['picture', 'a', 'b', 'c', 'd'], 'h')],
        { a: shape(0, 4), b: shape(9, -9), c: shape(1, 3), d: shape(1, -2) },
        30,
      ),
    ],
    [
      'padding with a constant',
      linearGraph(
        [node('Pad', ['picture', 'p', 'v'], 'h')],
        { p: shape(0, 0, 1, 0, 0, 0, 0, 2), v: { type: 'float32', shape: [], data: Float32Array.of(0.7) } },
        96,
      ),
    ],
    [
      'constants added, subtracted from, multiplied, divided',
      linearGraph(
        [
          node('Add', ['picture', 'k'], 'a'),
          node('Sub', ['k', 'a'], 'b'),
          node('Mul', ['b', 'k'], 'c'),
          node('Div', ['c', 'k'], 'h'),
        ],
        { k: randomTensor(random, [2, 1, 1]) },
      ),
    ],
    [
      'a shortcut within a linear stage',
      linearGraph(
        [
          node('Conv', ['picture', 'w'], 'a', { pads: ints(1, 1, 1, 1) }),
          node('Conv', ['picture', 'v'], 'b', { pads: ints(0, 0, 0, 0) }),
          node('Add', ['a', 'b'], 'h'),
        ],
        { w: randomTensor(random, [2, 2, 3, 3]), v: randomTensor(random, [2, 2, 1, 1]) },
      ),
    ],
    [
      'a product of two branches',
      linearGraph(
        [
          node('Transpose', ['picture'], 'a', { perm: ints(0, 1, 2, 3) }),
          node('Mul', ['picture', 'k'], 'b'),
          node('Mul', ['a', 'b'], 'h'),
        ],
        { k: randomTensor(random, [2, 1, 1]) },
      ),
    ],
    [
      'power of two, softmax at the end',
      graphOf(
        [2, 5, 6],
        3,
        {
          wd: dense,
          two: { type: 'float32', shape: [], data: Float32Array.of(2) },
          w: randomTensor(random, [3, 3]),
        },
        [
          node('Flatten', ['picture'], 'f'),
          node('MatMul', ['f', 'wd'], 'd'),
          node('Pow', ['d', 'two'], 's'),
          node('MatMul', ['s', 'w'], 'logits'),
        ],
      ),
    ],
  ];
  it.each(cases)('matches the clear network: %s', (_, graph) => expectSame(graph));

  it('makes one step of everything linear between two squares, but for pooling', () => {
    const { steps } = lowerSteps(convolutionalGraph(1));
    expect(steps.map(({ kind }) => kind)).toEqual([
      'linear',
      'product',
      'pool',
      'linear',
      'product',
      'linear',
    ]);
    const maps = linearSteps(convolutionalGraph(1)).map(({ terms }) => terms.map(({ affine }) => affine));
    expect(maps.map(([map]) => [map!.columns, map!.rows])).toEqual([
      [99, 90],
      [18, 12],
      [12, 3],
    ]);
  });

  it('keeps sums that several layers read, where reading through them takes more products', () => {
    const graph = randomStack(2, ['conv', 'around', 'around', 'around'], { side: 6, maps: 4 });
    expectSame(graph, randomPictures(3, 1, 36)[0]!);
    const { steps } = lowerSteps(graph);
    const sources = steps.map((step) =>
      step.kind === 'linear' ? step.terms.map((t) => t.source).sort((a, b) => a - b) : step.kind,
    );
    expect(sources).toEqual([
      ...[[0], 'product'],
      ...[[2], 'product', [2, 4]],
      ...[[5], 'product', [5, 7]],
      ...[[8], 'product', [8, 10]],
    ]);
  });

  it('keeps the same sums whatever stands between them and who reads them, and none where networks are compared', () => {
    const graph = randomStack(2, ['conv', 'around', 'around', 'around'], { side: 6, maps: 4 });
    const one: Tensor = { type: 'float32', shape: [], data: Float64Array.of(1) };
    const sums = new Set(graph.nodes.flatMap(({ operator, outputs }) => (operator === 'Add' ? outputs : [])));
    const scaled: Graph = {
      ...graph,
      initializers: new Map([...graph.initializers, ['one', one]]),
      nodes: graph.nodes.flatMap((each) => {
        const [output = ''] = each.outputs;
        if (!sums.has(output)) return [each];
        return [{ ...each, outputs: [`${output}s`] }, node('Mul', [`${output}s`, 'one'], output)];
      }),
    };
    const sourcesOf = (some: Graph, how?: 'through') =>
      lowerSteps(some, how).steps.map((step) =>
        step.kind === 'linear' ? step.terms.map((t) => t.source) : 0,
      );
    expect(sourcesOf(scaled)).toEqual(sourcesOf(graph));
    expect(sourcesOf(scaled, 'through')).toEqual(sourcesOf(graph, 'through'));
    expect(sourcesOf(graph, 'through').length).toBeLessThan(sourcesOf(graph).length);
  });

  it('reads through a sum where that takes fewer products than a level more', () => {
    const square = node('Mul', ['picture', 'picture'], 'square');
    const sum = node('Add', ['square', 'picture'], 'sum');
    const scaled = node('Mul', ['sum', 'two'], 'scaled');
    const two: Tensor = { type: 'float32', shape: [], data: Float64Array.of(2) };
    const graph = linearGraph([square, sum, scaled, node('Add', ['scaled', 'sum'], 'h')], { two });
    expectSame(graph);
    expect(lowerSteps(graph).steps.filter(({ kind }) => kind === 'linear')).toHaveLength(2);
  });

  it('leaves a final softmax to the decryptor', () => {
    const graph = convolutionalGraph(1);
    const softmax = node('Softmax', ['logits'], 'probabilities');
    const ended = {
      ...graph,
      nodes: [...graph.nodes, softmax],
      outputs: [{ ...graph.outputs[0]!, name: 'probabilities' }],
    };
    const x = randomPictures(1, 1, 99)[0]!;
    expect([...runSteps(lowerSteps(ended), x)]).toEqual([...runSteps(lowerSteps(graph), x)]);
  });

  it('keeps entries whose trained weight happens to be zero', () => {
    const w: Tensor = { type: 'float32', shape: [60, 3], data: new Float32Array(180) };
    const graph = graphOf([2, 5, 6], 3, { w }, [
      node('Flatten', ['picture'], 'f'),
      node('MatMul', ['f', 'w'], 'logits'),
    ]);
    expect(linearSteps(graph)[0]!.terms[0]!.affine.weight).toHaveLength(180);
  });

  const refusals: [string, Graph, string][] = [
    ['an activation', linearGraph([node('Relu', ['picture'], 'h')]), "node 'h' (Relu): not a polynomial"],
    [
      'max pooling',
      linearGraph([node('MaxPool', ['picture'], 'h', { kernel_shape: ints(1, 1) })]),
      'not a polynomial',
    ],
    [
      'an unknown operator',
      linearGraph([node('Einsum', ['picture'], 'h')]),
      "node 'h' (Einsum): this operator is not supported",
    ],
    [
      'an unknown attribute',
      linearGraph([node('GlobalAveragePool', ['picture'], 'h', { mode: ints(1) })], {}, 2),
      "attribute 'mode' is not supported",
    ],
  ];
  it.each(refusals)('refuses %s, naming the node', (_, graph, message) => {
    expect(() => lowerSteps(graph)).toThrow(NetworkError);
    expect(() => lowerSteps(graph)).toThrow(message);
  });

  it('refuses weights that are not finite', () => {
    const w: Tensor = { type: 'float32', shape: [60, 3], data: new Float32Array(180).fill(Number.NaN) };
    const graph = graphOf([2, 5, 6], 3, { w }, [
      node('Flatten', ['picture'], 'f'),
      node('MatMul', ['f', 'w'], 'logits'),
    ]);
    expect(() => lowerSteps(graph)).toThrow('not a finite number');
  });
});
