import type { Tensor } from '../../model/graph.ts';
import { broadcastIndex } from '../../model/operators/broadcast.ts';
import { Call } from '../../model/operators/operator.ts';
import { operatorOf } from '../../model/operators/table.ts';
import type { NodeGradient } from './gradient.ts';

/** A partial derivative of a binary operator at (a, b). */
type Partial = (a: number, b: number) => number;

function binary(byLeft: Partial, byRight: Partial): NodeGradient {
  return (call, output, gradient, wanted) => {
    const [left, right] = [call.input(0), call.input(1)];
    const indexA = broadcastIndex(call, left.shape, output.shape);
    const indexB = broadcastIndex(call, right.shape, output.shape);
    const share = (operand: Tensor, index: Int32Array, partial: Partial): Float64Array => {
      const sums = new Float64Array(operand.data.length);
      for (let i = 0; i < gradient.length; i++) {
        sums[index[i]!]! += partial(left.data[indexA[i]!]!, right.data[indexB[i]!]!) * gradient[i]!;
      }
      return sums;
    };
    return [
      wanted[0] ? share(left, indexA, byLeft) : undefined,
      wanted[1] ? share(right, indexB, byRight) : undefined,
    ];
  };
}

/** Add, Sub, Mul, Div; a value on both sides gets both shares. */
export const arithmeticGradients: Readonly<Record<string, NodeGradient>> = {
  Add: binary(
    () => 1,
    () => 1,
  ),
  Sub: binary(
    () => 1,
    () => -1,
  ),
  Mul: binary(
    (_, b) => b,
    (a) => a,
  ),
  Div: binary(
    (_, b) => 1 / b,
    (a, b) => -a / (b * b),
  ),
};

/** Operators that only move values: each output's gradient goes where the operator took its value from. */
export const movedGradient: NodeGradient = (call, _output, gradient) => {
  const input = call.input(0);
  const size = input.data.length;
  const fed = (data: Float64Array): Tensor => {
    const inputs = call.inputs.map((tensor, i) => (i === 0 ? { ...input, data } : tensor));
    return operatorOf(call.node).run(new Call(call.node, call.opset, inputs))[0]!;
  };
  const constant = fed(new Float64Array(size)).data;
  const indexed = fed(Float64Array.from({ length: size }, (_, i) => i + 1)).data;
  const byInput = new Float64Array(size);
  gradient.forEach((g, i) => {
    const source = indexed[i]! - constant[i]! - 1;
    if (source >= 0) byInput[source]! += g;
  });
  return [byInput];
};
