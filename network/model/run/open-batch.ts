import type { Graph, Node, Tensor } from '../graph.ts';

/** Names of the values that depend on the graph's inputs. */
function dependentValues(graph: Graph): Set<string> {
  const dependent = new Set(graph.inputs.map((input) => input.name));
  for (const node of graph.nodes) {
    if (node.inputs.some((name) => dependent.has(name)))
      for (const output of node.outputs) dependent.add(output);
  }
  return dependent;
}

/**
 * Lets a graph that was exported for a fixed number of pictures take any number: the input's first dimension becomes open, and a
 * Reshape of a value that depends on the picture copies that dimension instead of stating it.
 *
 * Assumes: the batch is the first dimension wherever a Reshape states it; otherwise running the result fails with a shape error rather
 * than giving a wrong answer.
 */
export function openBatch(graph: Graph): Graph {
  const input = graph.inputs[0];
  // A graph whose input is already open may still state the batch in its output, and in a Reshape in between.
  const batch = (input?.shape?.[0] ?? 0) < 0 ? graph.outputs[0]?.shape?.[0] : input?.shape?.[0];
  if (graph.inputs.length !== 1 || input === undefined || batch === undefined || batch < 0) return graph;
  const dependent = dependentValues(graph);
  const initializers = new Map(graph.initializers);
  const constants = new Map(
    graph.nodes.flatMap((node): [string, Tensor][] => {
      const value = node.operator === 'Constant' ? node.attributes.get('value') : undefined;
      return value?.kind === 'tensor' ? [[node.outputs[0]!, value.value]] : [];
    }),
  );
  const nodes = graph.nodes.map((node): Node => {
    const target = graph.initializers.get(node.inputs[1] ?? '') ?? constants.get(node.inputs[1] ?? '');
    if (node.operator !== 'Reshape' || target === undefined || !dependent.has(node.inputs[0]!)) return node;
    if (target.data[0] !== batch || target.data.length < 2) return node;
    const name = `${node.inputs[1]}:open:${node.outputs[0]}`;
    initializers.set(name, {
      ...target,
      data: Float64Array.from(target.data, (extent, d) => (d === 0 ? 0 : extent)),
    });
    return { ...node, inputs: [node.inputs[0]!, name] };
  });
  const open = (shape: readonly number[] | null): readonly number[] | null =>
    shape !== null && shape[0] === batch ? [-1, ...shape.slice(1)] : shape;
  return {
    ...graph,
    initializers,
    nodes,
    inputs: [{ ...input, shape: open(input.shape) }],
    outputs: graph.outputs.map((output) => ({ ...output, shape: open(output.shape) })),
  };
}
