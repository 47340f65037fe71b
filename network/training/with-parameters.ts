import type { Graph, Tensor } from '../model/graph.ts';

/** The graph with other values for some of its initializers, which are copied. */
export function withParameters(
  graph: Graph,
  parameters: Iterable<{ readonly name: string; readonly values: Float32Array }>,
): Graph {
  const initializers = new Map<string, Tensor>(graph.initializers);
  for (const { name, values } of parameters) {
    initializers.set(name, { ...initializers.get(name)!, data: values.slice() });
  }
  return { ...graph, initializers };
}
