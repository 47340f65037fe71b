import type { Graph, Node, Tensor } from '#network/model/graph.ts';

/** Whether a node only passes on its first input: an Identity, or a Dropout that is not set to training. */
function passesOn(node: Node, initializers: ReadonlyMap<string, Tensor>): boolean {
  if (node.operator === 'Identity') return true;
  const training = node.inputs[2] ?? '';
  return node.operator === 'Dropout' && (training === '' || initializers.get(training)?.data[0] === 0);
}

/**
 * Drops nodes without effect at inference: Dropout and Identity, except if they make an output of the network or their mask is read. Exact.
 */
export function dropDropout(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const read = new Set(graph.nodes.flatMap((node) => node.inputs));
  const renamed = new Map<string, string>();
  const nodes: Node[] = [];
  for (const given of graph.nodes) {
    const node = { ...given, inputs: given.inputs.map((name) => renamed.get(name) ?? name) };
    const [output, ...others] = node.outputs;
    const needed = outputs.has(output!) || others.some((name) => outputs.has(name) || read.has(name));
    if (passesOn(node, graph.initializers) && !needed) renamed.set(output!, node.inputs[0]!);
    else nodes.push(node);
  }
  return { ...graph, nodes };
}
