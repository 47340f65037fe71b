import type { Graph, Node, Tensor } from '#network/model/graph.ts';

/** The replacement of a node: nodes that end in the same output, and their constants. */
export type Replacement = {
  readonly nodes: readonly Node[];
  readonly initializers: Readonly<Record<string, Tensor>>;
};

/** A scalar constant. */
export function scalar(value: number): Tensor {
  return { type: 'float32', shape: [], data: Float32Array.of(value) };
}

/** A graph in which one node, found by its output, is replaced. */
export function replaceNode(graph: Graph, output: string, replacement: Replacement): Graph {
  return {
    ...graph,
    nodes: graph.nodes.flatMap((node) => (node.outputs[0] === output ? replacement.nodes : [node])),
    initializers: new Map([...graph.initializers, ...Object.entries(replacement.initializers)]),
  };
}
