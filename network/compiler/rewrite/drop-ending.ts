import type { Graph, Node } from '#network/model/graph.ts';

/** Functions at the end of a network that leave the order of its outputs as it is: the decryptor does without them. */
const ENDINGS = new Set(['Softmax', 'LogSoftmax', 'ArgMax']);
/** What may stand behind them: the same values in another shape. */
const SHAPES = new Set(['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Identity', 'Dropout', 'Cast']);

/** A graph that ends in its logits, and the node that made something else of them. */
export type Unended = { readonly graph: Graph; readonly ending: Node | null };

/** The last node that is no change of shape only, seen from the output; what stands behind it. */
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
 * Takes off the Softmax, LogSoftmax or ArgMax that a network ends in, changes of shape behind it or not: labels and probabilities are made of
 * logits after decryption. The class that comes first stays the same.
 *
 * @param options `sigmoid`: take off a Sigmoid too. The class that comes first stays the same, but probabilities will be those of Softmax, which the caller says.
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
    // Shapes behind an ArgMax are those of one number.
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
