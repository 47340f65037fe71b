import type { Node, Tensor } from '#network/model/graph.ts';
import type { Replacement } from './replace-nodes.ts';

/** A node in place of a part of `node`, named by what it writes. */
export function stepOf(node: Node, operator: string, left: string, right: string, to: string): Node {
  const output = node.outputs[0]!;
  return {
    name: `${node.name || output}:${to === output ? 'out' : to.slice(output.length + 1)}`,
    operator,
    inputs: [left, right],
    outputs: [to],
    attributes: new Map(),
  };
}

/**
 * One bare square between linear nodes in place of a node: factor·(x + shift)² + offset, which is a·x² + b·x + c exactly where shift is b/2a, factor a and
 * offset c − b²/4a.
 */
export function completeSquare(
  node: Node,
  { shift, factor, offset }: { readonly shift: Tensor; readonly factor: Tensor; readonly offset: Tensor },
): Replacement {
  const input = node.inputs[0]!;
  const output = node.outputs[0]!;
  const name = (what: string) => `${output}:${what}`;
  return {
    nodes: [
      stepOf(node, 'Add', input, name('shift'), name('shifted')),
      stepOf(node, 'Mul', name('shifted'), name('shifted'), name('square')),
      stepOf(node, 'Mul', name('square'), name('factor'), name('scaled')),
      stepOf(node, 'Add', name('scaled'), name('offset'), output),
    ],
    initializers: { [name('shift')]: shift, [name('factor')]: factor, [name('offset')]: offset },
  };
}
