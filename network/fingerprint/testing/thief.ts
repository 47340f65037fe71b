import type { Affine } from '../../compiler/linear/affine.ts';
import type { Graph, Node, Tensor } from '../../model/graph.ts';
import { SeededRandom } from '../../model/random.ts';
import { lowerForComparison } from '../lower-for-comparison.ts';
import { weightTensors } from '../weight-tensors.ts';
import { withWeights } from '../with-weights.ts';

type Values = Float32Array | Float64Array;

/** Changes every weight tensor. */
export function mapWeights(graph: Graph, change: (data: Values) => Values): Graph {
  return withWeights(
    graph,
    new Map(weightTensors(graph).map(({ name, tensor }) => [name, { ...tensor, data: change(tensor.data) }])),
  );
}

/** Sets the smallest weights of each layer to zero. */
export function pruneSmallest(graph: Graph, share: number): Graph {
  return mapWeights(graph, (data) => {
    const least = data.map(Math.abs).sort()[Math.floor(share * data.length)]!;
    return data.map((value) => (Math.abs(value) < least ? 0 : value));
  });
}

/** Rounds each layer to 255 levels, symmetric. */
export function roundTo8Bits(graph: Graph): Graph {
  return mapWeights(graph, (data) => {
    let largest = 0;
    for (const value of data) largest = Math.max(largest, Math.abs(value));
    const step = largest / 127;
    return data.map((value) => Math.round(value / step) * step);
  });
}

/** What colluders take for each weight, from what stands there in their copies. */
const RULES = {
  mean: (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length,
  smallest: (values: readonly number[]) => Math.min(...values),
  largest: (values: readonly number[]) => Math.max(...values),
  median: (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!,
  /** The one that differs most from the others. */
  outermost: (values: readonly number[]) => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return values.reduce((far, value) => (Math.abs(value - mean) > Math.abs(far - mean) ? value : far));
  },
};

/** One network of several copies. */
export function combineCopies(copies: readonly Graph[], rule: keyof typeof RULES): Graph {
  const all = copies.map((copy) => weightTensors(copy));
  return withWeights(
    copies[0]!,
    new Map(
      all[0]!.map(({ name, tensor }, t) => [
        name,
        {
          ...tensor,
          data: tensor.data.map((_, i) => RULES[rule](all.map((tensors) => tensors[t]!.tensor.data[i]!))),
        },
      ]),
    ),
  );
}

/** Gives all tensors and values other names, and the initializers another order. */
export function rename(graph: Graph): Graph {
  const outside = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  const renamed = (name: string) =>
    name === '' || outside.has(name) ? name : `x${Buffer.from(name).toString('hex')}`;
  return {
    ...graph,
    initializers: new Map([...graph.initializers].reverse().map(([name, tensor]) => [renamed(name), tensor])),
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    })),
  };
}

/** What a hidden layer is multiplied by, and where its values go. */
type Disguise = { readonly to: Uint32Array; readonly factor: Float64Array };

function disguise(size: number, random: SeededRandom, plain: boolean): Disguise {
  const to = Uint32Array.from({ length: size }, (_, i) => i);
  const factor = new Float64Array(size).fill(1);
  if (plain) return { to, factor };
  random.shuffle(to);
  return { to, factor: factor.map(() => random.uniform(0.25, 4) * (random.below(2) === 0 ? -1 : 1)) };
}

function dense(affine: Affine, input: Disguise, output: Disguise): Tensor {
  const data = new Float32Array(affine.rows * affine.columns);
  for (let row = 0; row < affine.rows; row++) {
    for (let e = affine.start[row]!; e < affine.start[row + 1]!; e++) {
      const column = affine.column[e]!;
      const at = input.to[column]! * affine.rows + output.to[row]!;
      data[at] = (affine.weight[e]! * output.factor[row]!) / input.factor[column]!;
    }
  }
  return { type: 'float32', shape: [affine.columns, affine.rows], data };
}

/**
 * A network of dense layers and squares only, as somebody builds it who read its linear maps off the constants of a program: neurons permuted,
 * scaled, their signs turned, all without changing an answer.
 *
 * @param graph a chain of linear maps and squares
 */
export function rebuildDense(graph: Graph, seed: number): Graph {
  const random = new SeededRandom(seed);
  const { pictureShape, steps } = lowerForComparison(graph);
  const initializers = new Map<string, Tensor>();
  const nodes: Node[] = [];
  const add = (operator: string, inputs: string[], output: string) =>
    nodes.push({ name: '', operator, inputs, outputs: [output], attributes: new Map() });
  add('Flatten', ['picture'], 'x');
  let value = 'x';
  let before = disguise(
    pictureShape.reduce((a, b) => a * b, 1),
    random,
    true,
  );
  steps.forEach((step, i) => {
    const last = i === steps.length - 1;
    const next = last ? 'logits' : `v${i}`;
    if (step.kind === 'product') {
      add('Mul', [value, value], next);
      before = { to: before.to, factor: before.factor.map((factor) => factor ** 2) };
    } else if (step.kind === 'linear') {
      const after = disguise(step.bias.length, random, last);
      const bias = new Float32Array(step.bias.length);
      step.bias.forEach((b, row) => {
        bias[after.to[row]!] = b * after.factor[row]!;
      });
      initializers.set(`w${i}`, dense(step.terms[0]!.affine, before, after));
      initializers.set(`b${i}`, { type: 'float32', shape: [bias.length], data: bias });
      add('Gemm', [value, `w${i}`, `b${i}`], next);
      before = after;
    }
    value = next;
  });
  return {
    name: 'rebuilt',
    opset: 13,
    inputs: [{ name: 'picture', type: 'float32', shape: [1, ...pictureShape] }],
    outputs: [
      { name: 'logits', type: 'float32', shape: [1, steps.at(-1)!.kind === 'linear' ? before.to.length : 0] },
    ],
    initializers,
    nodes,
  };
}
