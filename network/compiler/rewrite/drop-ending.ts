import type { Graph, Node } from '#network/model/graph.ts';

/** Functions at the end of a network that preserve the order of its outputs: the decryptor does not need them. */
const ENDINGS = new Set(['Softmax', 'LogSoftmax', 'ArgMax']);
/** What may follow them: the same values in another shape. */
const SHAPES = new Set(['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Identity', 'Dropout', 'Cast']);

/** A graph that ends in its logits, and the node that processed them. */
export type Unended = { readonly graph: Graph; readonly ending: Node | null };

/** The last node that does more than change shape, and the nodes after it. */
function lastNode(graph: Graph): { last: Node | undefined; behind: readonly Node[] } {
  const behind: Node[] = [];
  let name = graph.outputs[0]?.name;
  for (;;) {
    const last = graph.nodes.find(({ outputs }) => outputs[0] === name);
    if (last === undefined || !SHAPES.has(last.operator)) return { last, behind };
    behind.push(last);
    name = last.inputs[0];
  }
}

/**
 * Removes the Softmax, LogSoftmax or ArgMax that a network ends in, whether or not changes of shape follow: labels and probabilities are
 * computed from logits after decryption. The top class stays the same.
 *
 * @param options `sigmoid`: remove a Sigmoid too. The top class stays the same, but probabilities will be those of Softmax; the caller
 * reports that.
 */
export function dropEnding(given: Graph, { sigmoid = false }: { sigmoid?: boolean } = {}): Unended {
  let graph = given;
  let ending: Node | null = null;
  for (;;) {
    const { last, behind } = lastNode(graph);
    const logits = last?.inputs[0];
    const drops =
      last !== undefined && (ENDINGS.has(last.operator) || (sigmoid && last.operator === 'Sigmoid'));
    if (!drops || logits === undefined) return { graph, ending };
    ending = last;
    const removed = new Set(last.operator === 'ArgMax' ? [last, ...behind] : [last]);
    const [output] = graph.outputs;
    const renamed = (name: string): string => (name === last.outputs[0] ? logits : name);
    // Shapes after an ArgMax are those of one number.
    const ends = last.operator === 'ArgMax' || renamed(output!.name) === logits ? logits : output!.name;
    graph = {
      ...graph,
      nodes: graph.nodes
        .filter((node) => !removed.has(node))
        .map((node) => ({ ...node, inputs: node.inputs.map(renamed) })),
      outputs: [
        { ...output!, name: ends, ...(last.operator === 'ArgMax' && { shape: null, type: 'float32' }) },
      ],
    };
  }
}
