import type { Node } from '#network/model/graph.ts';
import type { Polynomial } from '../approximation/polynomial.ts';
import { completeSquare, stepOf } from './complete-square.ts';
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
  if (Math.abs(a) <= NEGLIGIBLE * Math.abs(b)) {
    const output = node.outputs[0]!;
    const [factor, offset, scaled] = [`${output}:factor`, `${output}:offset`, `${output}:scaled`];
    return {
      nodes: [
        stepOf(node, 'Mul', node.inputs[0]!, factor, scaled),
        stepOf(node, 'Add', scaled, offset, output),
      ],
      initializers: { [factor]: scalar(b), [offset]: scalar(c) },
    };
  }
  return completeSquare(node, {
    shift: scalar(b / (2 * a)),
    factor: scalar(a),
    offset: scalar(c - (b * b) / (4 * a)),
  });
}
