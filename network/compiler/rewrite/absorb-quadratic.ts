import type { Node } from '#network/model/graph.ts';
import type { Polynomial } from '../approximation/polynomial.ts';
import { type Replacement, scalar } from './replace-nodes.ts';

/** Below this share of the linear part a square is rounding error and is dropped. */
const NEGLIGIBLE = 1e-9;

/**
 * Writes a·x² + b·x + c as a·(x + b/2a)² + (c − b²/4a): one bare square between linear nodes. These merge with the linear layers before
 * and after, so the coefficients cost nothing and are encrypted with their neighbors' weights. Exact.
 *
 * @param node the activation to replace: its first input is x, its first output the value.
 * @param polynomial c, b, a: degree 2 at most.
 */
export function absorbQuadratic(node: Node, polynomial: Polynomial): Replacement {
  const [c = 0, b = 0, a = 0] = polynomial;
  const input = node.inputs[0]!;
  const output = node.outputs[0]!;
  const step = (operator: string, left: string, right: string, to: string): Node => ({
    name: `${node.name || output}:${to === output ? 'out' : to.slice(output.length + 1)}`,
    operator,
    inputs: [left, right],
    outputs: [to],
    attributes: new Map(),
  });
  const [factor, shift, offset] = [`${output}:factor`, `${output}:shift`, `${output}:offset`];
  const scaled = `${output}:scaled`;
  if (Math.abs(a) <= NEGLIGIBLE * Math.abs(b)) {
    return {
      nodes: [step('Mul', input, factor, scaled), step('Add', scaled, offset, output)],
      initializers: { [factor]: scalar(b), [offset]: scalar(c) },
    };
  }
  const [shifted, square] = [`${output}:shifted`, `${output}:square`];
  return {
    nodes: [
      step('Add', input, shift, shifted),
      step('Mul', shifted, shifted, square),
      step('Mul', square, factor, scaled),
      step('Add', scaled, offset, output),
    ],
    initializers: {
      [shift]: scalar(b / (2 * a)),
      [factor]: scalar(a),
      [offset]: scalar(c - (b * b) / (4 * a)),
    },
  };
}
