import type { Node } from '#network/model/graph.ts';
import { factorPolynomial } from '../approximation/factor.ts';
import type { Polynomial } from '../approximation/polynomial.ts';
import { absorbQuadratic } from './absorb-quadratic.ts';
import { type Replacement, scalar } from './replace-nodes.ts';

/**
 * Writes p(x) with plain ONNX nodes. A quadratic is absorbed by its neighbors (see {@link absorbQuadratic}). Degree d > 2 becomes a
 * product of quadratics, all made from one square, multiplied pairwise: ⌈log2 d⌉ + 1 levels; Horner's rule, two levels per degree, is
 * used only if no such form exists.
 *
 * @param node the activation to replace: its first input is x, its first output p(x).
 * @param reach largest |x| that matters.
 */
export function expandPolynomial(node: Node, given: Polynomial, reach = 1): Replacement {
  const factors = factorPolynomial(given, reach);
  const polynomial = factors?.length === 1 ? factors[0]! : given;
  if (polynomial.length <= 3) return absorbQuadratic(node, polynomial);
  const input = node.inputs[0]!;
  const output = node.outputs[0]!;
  const nodes: Node[] = [];
  const initializers: Record<string, ReturnType<typeof scalar>> = {};
  const emit = (operator: string, left: string, right: string, last: boolean): string => {
    const name = last ? output : `${output}:${nodes.length}`;
    nodes.push({
      name: `${node.name || output}:${nodes.length}`,
      operator,
      inputs: [left, right],
      outputs: [name],
      attributes: new Map(),
    });
    return name;
  };
  const constant = (value: number): string => {
    const name = `${output}:constant${Object.keys(initializers).length}`;
    initializers[name] = scalar(value);
    return name;
  };
  if (factors !== undefined && factors.length > 1) {
    const square = emit('Mul', input, input, false);
    let values = factors.map(([c0 = 0, c1 = 0, c2]) => {
      const linear = emit('Mul', input, constant(c1), false);
      const sum =
        c2 === undefined ? linear : emit('Add', emit('Mul', square, constant(c2), false), linear, false);
      return emit('Add', sum, constant(c0), false);
    });
    while (values.length > 1) {
      const pairs = values.filter((_, i) => i % 2 === 0);
      const last = values.length === 2;
      values = pairs.map((left, i) => {
        const right = values[2 * i + 1];
        return right === undefined ? left : emit('Mul', left, right, last);
      });
    }
  } else {
    let value = emit('Mul', input, constant(polynomial.at(-1)!), false);
    for (let k = polynomial.length - 2; k >= 1; k--) {
      value = emit('Mul', emit('Add', value, constant(polynomial[k]!), false), input, false);
    }
    emit('Add', value, constant(polynomial[0]!), true);
  }
  return { nodes, initializers };
}
