import type { Graph, Node, Tensor } from '../model/graph.ts';

/** A tensor of trained weights of a linear layer. */
export type WeightTensor = {
  /** Of the initializer, or of the value that a Constant node makes. */
  readonly name: string;
  readonly tensor: Tensor;
};

/** Inputs of linear layers that may be weights; biases have too few values to carry anything. */
const WEIGHT_INPUTS: Readonly<Record<string, readonly number[]>> = {
  Conv: [1],
  ConvTranspose: [1],
  Gemm: [0, 1],
  MatMul: [0, 1],
};

/** Exporters put these between a tensor and the layer that it belongs to; each moves values and changes none. */
const MOVING = new Set(['Identity', 'Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);

/** The value of a node that holds a tensor of its own, if it is one. */
export function constantOf(node: Node): Tensor | null {
  const value = node.operator === 'Constant' ? node.attributes.get('value') : undefined;
  return value?.kind === 'tensor' ? value.value : null;
}

/**
 * Weights of all convolutions and matrix products, each once, in the order in which layers use them. Biases, polynomial coefficients and
 * statistics of batch normalizations are none.
 */
export function weightTensors(graph: Graph): WeightTensor[] {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const found = new Map<string, WeightTensor>();
  for (const { operator, inputs } of graph.nodes) {
    for (const index of WEIGHT_INPUTS[operator] ?? []) {
      let name = inputs[index] ?? '';
      let maker = makers.get(name);
      while (maker !== undefined && MOVING.has(maker.operator)) {
        name = maker.inputs[0] ?? '';
        maker = makers.get(name);
      }
      const tensor = graph.initializers.get(name) ?? (maker === undefined ? null : constantOf(maker));
      if (tensor?.type === 'float32' || tensor?.type === 'float64') found.set(name, { name, tensor });
    }
  }
  return [...found.values()];
}
