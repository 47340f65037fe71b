import { sizeOf, type Tensor } from '../graph.ts';
import { type Call, type Operator, resolveAxis, tensorLike } from './operator.ts';

/** A reduction with known axes: the output of each value, and the number of values per output. */
export type ReductionPlan = {
  readonly shape: readonly number[];
  readonly target: Int32Array;
  readonly count: number;
};

/** Checks the axes of a reduction (an attribute, or an input in newer operator sets) and tabulates where each value goes. */
export function planReduction(call: Call, shape: readonly number[]): ReductionPlan {
  const given = call.intsOrInput('axes', 1) ?? [];
  const none = given.length === 0 && call.int('noop_with_empty_axes', 0) !== 0;
  const axes = new Set(
    given.length === 0 && !none ? shape.keys() : given.map((axis) => resolveAxis(call, axis, shape.length)),
  );
  const keep = call.int('keepdims', 1) !== 0;
  const kept = shape.map((extent, d) => (axes.has(d) ? 1 : extent));
  const target = new Int32Array(sizeOf(shape));
  for (let i = 0; i < target.length; i++) {
    let [rest, unit] = [i, 1];
    for (let d = shape.length - 1; d >= 0; d--) {
      if (!axes.has(d)) target[i]! += (rest % shape[d]!) * unit;
      rest = Math.floor(rest / shape[d]!);
      unit *= kept[d]!;
    }
  }
  return {
    shape: keep ? kept : kept.filter((_, d) => !axes.has(d)),
    target,
    count: sizeOf([...axes].map((d) => shape[d]!)),
  };
}

/** Factor of each value before those of an output are added. */
export function reductionShare(call: Call, { count }: ReductionPlan): number {
  return call.node.operator === 'ReduceMean' ? 1 / count : 1;
}

function run(call: Call): Tensor[] {
  const input = call.input(0);
  const plan = planReduction(call, input.shape);
  const output = call.allocate(sizeOf(plan.shape));
  for (let i = 0; i < plan.target.length; i++) output[plan.target[i]!]! += input.data[i]!;
  const divisor = call.node.operator === 'ReduceMean' ? plan.count : 1;
  return [
    tensorLike(
      input,
      plan.shape,
      output.map((sum) => sum / divisor),
    ),
  ];
}

const ATTRIBUTES = ['axes', 'keepdims', 'noop_with_empty_axes'];

/** Means and sums over axes; over height and width they equal a global average pool. */
export const reducing: Readonly<Record<string, Operator>> = {
  ReduceMean: { attributes: ATTRIBUTES, arity: [1, 2], run },
  ReduceSum: { attributes: ATTRIBUTES, arity: [1, 2], run },
};
