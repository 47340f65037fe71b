import { sizeOf } from '../graph.ts';
import { MAX_ELEMENTS } from '../tensor-codec.ts';
import type { Call } from './operator.ts';

/** The shape that two shapes broadcast to (numpy's rule). */
export function broadcastShape(call: Call, a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let d = 0; d < rank; d++) {
    const left = a[d - rank + a.length] ?? 1;
    const right = b[d - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1)
      call.refuse(`shapes ${a.join('×')} and ${b.join('×')} do not broadcast`);
    shape.push(left === 1 ? right : left);
  }
  if (sizeOf(shape) > MAX_ELEMENTS) call.refuse(`the result ${shape.join('×')} is too large`);
  return shape;
}

/** For each element of `target`, the element of a tensor of shape `from` that it takes. */
export function broadcastIndex(call: Call, from: readonly number[], target: readonly number[]): Int32Array {
  if (broadcastShape(call, from, target).join() !== target.join()) {
    call.refuse(`shape ${from.join('×')} does not broadcast to ${target.join('×')}`);
  }
  const index = new Int32Array(sizeOf(target));
  // The two common cases: one number for all, and the same shape.
  if (sizeOf(from) === 1) return index;
  if (sizeOf(from) === index.length) {
    for (let i = 0; i < index.length; i++) index[i] = i;
    return index;
  }
  const offset = target.length - from.length;
  const strides = new Array<number>(target.length).fill(0);
  let unit = 1;
  for (let d = from.length - 1; d >= 0; d--) {
    strides[d + offset] = from[d] === 1 ? 0 : unit;
    unit *= from[d]!;
  }
  // An odometer over the target: no division for each element.
  const position = new Int32Array(target.length);
  let at = 0;
  for (let i = 0; i < index.length; i++) {
    index[i] = at;
    for (let d = target.length - 1; d >= 0; d--) {
      at += strides[d]!;
      if (++position[d]! < target[d]!) break;
      at -= strides[d]! * target[d]!;
      position[d] = 0;
    }
  }
  return index;
}
