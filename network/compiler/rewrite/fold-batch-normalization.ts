import { type Graph, type Node, sizeOf, type Tensor } from '#network/model/graph.ts';
import { normalizationFactors } from '#network/model/operators/normalizing.ts';
import { Call } from '#network/model/operators/operator.ts';

/** Scales each output channel of a layer's weights, and adjusts its bias. */
function rescaled(
  weight: Tensor,
  bias: Tensor | undefined,
  factor: Float64Array,
  summand: Float64Array,
): { weight: Tensor; bias: Tensor } {
  const perChannel = sizeOf(weight.shape) / factor.length;
  return {
    weight: {
      ...weight,
      data: Float32Array.from(weight.data, (w, i) => w * factor[Math.floor(i / perChannel)]!),
    },
    bias: {
      type: weight.type,
      shape: [factor.length],
      data: Float32Array.from(factor, (f, c) => f * (bias?.data[c] ?? 0) + summand[c]!),
    },
  };
}

/**
 * Folds each batch normalization into the convolution before it, if nothing else reads that convolution's result: the layer's weights
 * are multiplied by scale / √(variance + ε) and its bias is adjusted. Exact up to float32 rounding. Elsewhere it merges with its linear
 * neighbors later (see `merge-linear-neighbors.ts`), which costs as little.
 *
 * @throws NetworkError NETWORK_OPERATOR for batch normalization in training mode, or statistics of another size.
 */
export function foldBatchNormalization(graph: Graph): Graph {
  const initializers = new Map(graph.initializers);
  const readers = new Map<string, number>();
  for (const name of [
    ...graph.nodes.flatMap((node) => node.inputs),
    ...graph.outputs.map((output) => output.name),
  ])
    readers.set(name, (readers.get(name) ?? 0) + 1);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const input = node.inputs[0]!;
    const at = nodes.findIndex((one) => one.operator === 'Conv' && one.outputs[0] === input);
    const layer = nodes[at];
    const weight = initializers.get(layer?.inputs[1] ?? '');
    const bias = initializers.get(layer?.inputs[2] ?? '');
    const known =
      node.inputs.slice(1).every((name) => initializers.has(name)) &&
      (bias !== undefined) === Boolean(layer?.inputs[2]);
    const folds = node.operator === 'BatchNormalization' && readers.get(input) === 1 && known;
    if (!folds || layer === undefined || weight === undefined) {
      nodes.push(node);
      continue;
    }
    const statistics = node.inputs.map((name) => initializers.get(name));
    const call = new Call(node, graph.opset, statistics);
    const { factor, summand } = normalizationFactors(call, weight.shape[0]!);
    const output = node.outputs[0]!;
    const folded = rescaled(weight, bias, factor, summand);
    initializers.set(`${output}:weight`, folded.weight);
    initializers.set(`${output}:bias`, folded.bias);
    nodes[at] = {
      ...layer,
      inputs: [layer.inputs[0]!, `${output}:weight`, `${output}:bias`],
      outputs: [output],
    };
  }
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...graph.outputs.map(({ name }) => name)]);
  return { ...graph, nodes, initializers: new Map([...initializers].filter(([name]) => used.has(name))) };
}
