import type { Graph, Tensor } from '#network/model/graph.ts';

/** The graph with a batch of one, where it was exported with another fixed one: gateways answer picture by picture. */
export function singlePicture(graph: Graph): Graph {
  const [input] = graph.inputs;
  const batch = input?.shape?.[0] ?? -1;
  if (batch <= 1) return graph;
  const withOne = (shape: readonly number[]): number[] => [1, ...shape.slice(1)];
  const shapes = new Set(
    graph.nodes.flatMap(({ operator, inputs }) => (operator === 'Reshape' ? [inputs[1]!] : [])),
  );
  const initializers = [...graph.initializers].map(([name, tensor]): [string, Tensor] => {
    if (!shapes.has(name) || tensor.data[0] !== batch) return [name, tensor];
    return [name, { ...tensor, data: Float64Array.from(withOne([...tensor.data])) }];
  });
  return {
    ...graph,
    initializers: new Map(initializers),
    inputs: graph.inputs.map((each) => ({ ...each, shape: each.shape && withOne(each.shape) })),
    outputs: graph.outputs.map((each) => ({ ...each, shape: each.shape && withOne(each.shape) })),
  };
}
