import type { Node, Tensor } from '#network/model/graph.ts';
import type { Polynomial } from '../approximation/polynomial.ts';
import { completeSquare } from './complete-square.ts';
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
  const shape = [polynomials.length, ...new Array<number>(Math.max(0, rank - 2)).fill(1)];
  const constant = (of: (c: number, b: number, a: number) => number): Tensor => ({
    type: 'float32',
    shape,
    data: Float32Array.from(polynomials, ([c = 0, b = 0, a = 0]) => of(c, b, a)),
  });
  return completeSquare(node, {
    shift: constant((_, b, a) => b / (2 * a)),
    factor: constant((_, __, a) => a),
    offset: constant((c, b, a) => c - (b * b) / (4 * a)),
  });
}
