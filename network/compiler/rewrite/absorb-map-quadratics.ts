import type { Node, Tensor } from '#network/model/graph.ts';
import type { Polynomial } from '../approximation/polynomial.ts';
import type { Replacement } from './replace-nodes.ts';

/**
 * Writes a quadratic for each map as a·(x + b/2a)² + (c − b²/4a), as {@link absorbQuadratic} does one for all: the coefficients cost nothing
 * and are encrypted with their neighbors' weights.
 *
 * @param node the activation to replace: its first input is x, its first output the value.
 * @param polynomials c, b, a of each map (the second dimension of x); no a is 0.
 * @param rank number of dimensions of x.
 */
export function absorbMapQuadratics(
  node: Node,
  polynomials: readonly Polynomial[],
  rank: number,
): Replacement {
  const input = node.inputs[0]!;
  const output = node.outputs[0]!;
  const shape = [polynomials.length, ...new Array<number>(Math.max(0, rank - 2)).fill(1)];
  const constant = (of: (c: number, b: number, a: number) => number): Tensor => ({
    type: 'float32',
    shape,
    data: Float32Array.from(polynomials, ([c = 0, b = 0, a = 0]) => of(c, b, a)),
  });
  const [shifted, square, scaled] = [`${output}:shifted`, `${output}:square`, `${output}:scaled`];
  const [shift, factor, offset] = [`${output}:shift`, `${output}:factor`, `${output}:offset`];
  const step = (operator: string, left: string, right: string, to: string): Node => ({
    name: `${node.name || output}:${to === output ? 'out' : to.slice(output.length + 1)}`,
    operator,
    inputs: [left, right],
    outputs: [to],
    attributes: new Map(),
  });
  return {
    nodes: [
      step('Add', input, shift, shifted),
      step('Mul', shifted, shifted, square),
      step('Mul', square, factor, scaled),
      step('Add', scaled, offset, output),
    ],
    initializers: {
      [shift]: constant((_, b, a) => b / (2 * a)),
      [factor]: constant((_, __, a) => a),
      [offset]: constant((c, b, a) => c - (b * b) / (4 * a)),
    },
  };
}
