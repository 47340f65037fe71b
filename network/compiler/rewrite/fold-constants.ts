import type { Graph, Node, Tensor } from '#network/model/graph.ts';
import { Call } from '#network/model/operators/operator.ts';
import { operatorOf } from '#network/model/operators/table.ts';

/** Computes every node that does not depend on the picture. Exact. */
export function foldConstants(graph: Graph): Graph {
  const initializers = new Map(graph.initializers);
  const variable = new Set(graph.inputs.map((input) => input.name));
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    if (node.inputs.some((name) => variable.has(name))) {
      for (const name of node.outputs) variable.add(name);
      nodes.push(node);
      continue;
    }
    const inputs = node.inputs.map((name): Tensor | undefined => initializers.get(name));
    operatorOf(node)
      .run(new Call(node, graph.opset, inputs))
      .forEach((tensor, i) => {
        const name = node.outputs[i];
        if (name)
          initializers.set(
            name,
            tensor.type === 'float32' ? { ...tensor, data: Float32Array.from(tensor.data) } : tensor,
          );
      });
  }
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...outputs]);
  return { ...graph, nodes, initializers: new Map([...initializers].filter(([name]) => used.has(name))) };
}
