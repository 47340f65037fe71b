import type { Attribute, Graph, Node, Tensor } from '../model/graph.ts';
import { constantOf } from './weight-tensors.ts';

/** The graph with other tensors, by the names of `weightTensors`. */
export function withWeights(graph: Graph, changed: ReadonlyMap<string, Tensor>): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, tensor] of changed) if (initializers.has(name)) initializers.set(name, tensor);
  const nodes = graph.nodes.map((node): Node => {
    const tensor = constantOf(node) === null ? undefined : changed.get(node.outputs[0] ?? '');
    if (tensor === undefined) return node;
    const value: Attribute = { kind: 'tensor', value: tensor };
    return { ...node, attributes: new Map([...node.attributes, ['value', value]]) };
  });
  return { ...graph, initializers, nodes };
}
