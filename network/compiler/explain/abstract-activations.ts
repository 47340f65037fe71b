import { type Graph, type Node, nodeTitle } from '#network/model/graph.ts';
import { ACTIVATIONS } from '#network/model/operators/elementwise.ts';

/** A graph with placeholder polynomials as activations: for counting, never for answers. */
export type AbstractGraph = { readonly graph: Graph; readonly replaced: readonly string[] };

/**
 * Replaces every non-polynomial activation by the square and max pooling by mean pooling: the cheapest approximations. The cost of the
 * program does not depend on coefficients: those of a quadratic merge into the neighboring layers.
 */
export function abstractActivations(graph: Graph): AbstractGraph {
  const replaced: string[] = [];
  const nodes = graph.nodes.map((node): Node => {
    if (node.operator in ACTIVATIONS) {
      replaced.push(nodeTitle(node));
      return { ...node, operator: 'Mul', inputs: [node.inputs[0]!, node.inputs[0]!], attributes: new Map() };
    }
    if (node.operator !== 'MaxPool') return node;
    replaced.push(nodeTitle(node));
    const attributes = new Map(
      [...node.attributes].filter(([name]) => !['storage_order', 'dilations'].includes(name)),
    );
    return { ...node, operator: 'AveragePool', attributes };
  });
  return { graph: replaced.length === 0 ? graph : { ...graph, nodes }, replaced };
}
