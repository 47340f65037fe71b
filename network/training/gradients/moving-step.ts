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
  'SpaceToDepth',
] as const;

/**
 * Source of each output element, counted through all sources one after the other, −1 if inserted; and the inserted value. Found by
 * moving indices instead of values.
 */
function sourceIndex(call: Call, sources: number): { index: Int32Array; inserted: Float32Array } {
  const moved = (start: number): Tensor['data'] => {
    let next = start;
    const numbered = call.inputs.map((tensor, i) => {
      if (tensor === undefined || i >= sources) return tensor;
      const data = Float64Array.from(tensor.data, () => (start === 0 ? 0 : next++));
      return { ...tensor, data };
    });
    return operatorOf(call.node).run(new Call(call.node, call.opset, numbered))[0]!.data;
  };
  // Pad inserts the same both times, possibly infinity.
  const [constant, indexed] = [moved(0), moved(1)];
  const from = (value: number, i: number): number => (Number.isFinite(value) ? value - constant[i]! - 1 : -1);
  return { index: Int32Array.from(indexed, from), inserted: Float32Array.from(constant) };
}

/** Copies each output from its source. */
export const movingStep: NodeRule = ({ call, inputs, output }) => {
  const sources = call.node.operator === 'Concat' ? inputs : inputs.slice(0, 1);
  const { index, inserted } = sourceIndex(call, sources.length);
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
