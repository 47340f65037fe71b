import type { Tensor } from '../../model/graph.ts';
import { Call } from '../../model/operators/operator.ts';
import { operatorOf } from '../../model/operators/table.ts';
import type { NodeRule } from './node-step.ts';

/** Operators that only move values, from one input or (Concat) from all. */
export const MOVING_OPERATORS = [
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Identity',
  'Dropout',
  'Transpose',
  'Slice',
  'Pad',
  'Concat',
] as const;

/** Copies each output from where the operator takes it, which is found once by moving numbers instead of values. */
export const movingStep: NodeRule = ({ call, inputs, output }) => {
  const sources = call.node.operator === 'Concat' ? inputs : inputs.slice(0, 1);
  const moved = (start: number): Tensor['data'] => {
    let next = start;
    const numbered = call.inputs.map((tensor, i) => {
      if (tensor === undefined || i >= sources.length) return tensor;
      const data = Float64Array.from(tensor.data, () => (start === 0 ? 0 : next++));
      return { ...tensor, data };
    });
    return operatorOf(call.node).run(new Call(call.node, call.opset, numbered))[0]!.data;
  };
  // What Pad inserts is the same both times.
  const [constant, indexed] = [moved(0), moved(1)];
  const inserted = Float32Array.from(constant);
  const index = Int32Array.from(indexed, (value, i) => value - constant[i]! - 1);
  let first = 0;
  const ranges = sources.map((source) => {
    const range = { source, first, end: first + (source?.values.length ?? 0) };
    first = range.end;
    return range;
  });
  return {
    forward: () => {
      output.values.set(inserted);
      for (const { source, first: from, end } of ranges) {
        if (source === undefined) continue;
        for (let i = 0; i < index.length; i++) {
          const at = index[i]!;
          if (at >= from && at < end) output.values[i] = source.values[at - from]!;
        }
      }
    },
    backward: () => {
      for (const { source, first: from, end } of ranges) {
        if (source?.gradients === undefined) continue;
        for (let i = 0; i < index.length; i++) {
          const at = index[i]!;
          if (at >= from && at < end) source.gradients[at - from]! += output.gradients[i]!;
        }
      }
    },
  };
};
