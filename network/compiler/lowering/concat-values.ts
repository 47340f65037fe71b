import { sizeOf, type Tensor } from '#network/model/graph.ts';
import { Call } from '#network/model/operators/operator.ts';
import { operatorOf } from '#network/model/operators/table.ts';
import { AffineBuilder } from '../linear/affine.ts';
import { addValues, applyToValue, type LinearValue } from '../linear/compose.ts';

/**
 * Concatenates branches: the source of each output is found by feeding the operator indices.
 *
 * @param call of `Concat`, with its constant inputs.
 * @param values by input; null for a constant.
 */
export function concatValues(call: Call, values: readonly (LinearValue | null)[]): LinearValue {
  const tensors = values.map((value, i): Tensor => {
    if (value === null) return call.input(i);
    return { type: 'float32', shape: value.shape, data: new Float64Array(sizeOf(value.shape)) };
  });
  const run = (inputs: readonly Tensor[]): Tensor =>
    operatorOf(call.node).run(new Call(call.node, call.opset, inputs))[0]!;
  const constant = run(tensors);
  const { shape } = constant;
  if (shape[0] !== 1) call.refuse('one picture cannot be joined to another: choose an axis above 0');
  const size = sizeOf(shape);
  const first = values.findIndex((value) => value !== null);
  return values.reduce<LinearValue>(
    (sum, value, position) => {
      if (value === null) return sum;
      const count = sizeOf(value.shape);
      const indices = { ...tensors[position]!, data: Float64Array.from({ length: count }, (_, i) => i + 1) };
      const marked = run(tensors.map((tensor, i) => (i === position ? indices : tensor)));
      const builder = new AffineBuilder(count);
      for (let row = 0; row < size; row++) {
        const source = marked.data[row]! - constant.data[row]! - 1;
        if (source >= 0) builder.entry(source, 1);
        builder.endRow(position === first ? constant.data[row]! : 0);
      }
      return addValues(sum, applyToValue(builder.build(), value, shape), 1, size);
    },
    { parts: new Map(), constant: null, shape },
  );
}
