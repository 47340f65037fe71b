import { NetworkError } from '../../errors.ts';
import { type Node, nodeTitle } from '../graph.ts';
import { arranging } from './arranging.ts';
import { convolution } from './convolution.ts';
import { activations, arithmetic } from './elementwise.ts';
import { gemm, matMul } from './matrix.ts';
import { normalizing } from './normalizing.ts';
import type { Operator } from './operator.ts';
import { pooling } from './pooling.ts';
import { reducing } from './reducing.ts';
import { reshaping } from './reshaping.ts';
import { spaceToDepth } from './space-to-depth.ts';

/** Every supported ONNX operator, by name. */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  Object.entries({
    Conv: convolution,
    Gemm: gemm,
    MatMul: matMul,
    SpaceToDepth: spaceToDepth,
    ...arithmetic,
    ...activations,
    ...pooling,
    ...reducing,
    ...reshaping,
    ...arranging,
    ...normalizing,
  }),
);

/** What to do instead, if replacing it by one of the known operators is not enough. */
const ADVICE: ReadonlyMap<string, string> = new Map(
  ['GlobalMaxPool', 'ReduceMax', 'ReduceMin'].map((name) => [
    name,
    'the largest of a whole picture cannot be encrypted, and no polynomial comes near it; train with GlobalAveragePool (a mean over height and width) in its place, or with MaxPool over windows, which `blindsight model import` approximates',
  ]),
);

/**
 * The operator of a node, after checking that it and its attributes are known, and its number of inputs.
 *
 * @throws NetworkError NETWORK_OPERATOR, naming the node and what to do.
 */
export function operatorOf(node: Node): Operator {
  const operator = OPERATORS.get(node.operator);
  if (operator === undefined) {
    throw new NetworkError(
      'NETWORK_OPERATOR',
      `${nodeTitle(node)}: ${ADVICE.get(node.operator) ?? `this operator is not supported; replace it by ${[...OPERATORS.keys()].sort().join(', ')}`}`,
    );
  }
  for (const name of node.attributes.keys()) {
    if (!operator.attributes.includes(name)) {
      throw new NetworkError(
        'NETWORK_OPERATOR',
        `${nodeTitle(node)}: attribute '${name}' is not supported; known: ${operator.attributes.join(', ') || 'none'}`,
      );
    }
  }
  const [min, max] = operator.arity;
  if (node.inputs.length < min || node.inputs.length > max) {
    throw new NetworkError(
      'NETWORK_OPERATOR',
      `${nodeTitle(node)}: ${node.inputs.length} inputs, expected ${min === max ? min : `${min} to ${max}`}`,
    );
  }
  return operator;
}
