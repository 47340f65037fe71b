/** Elementwise arithmetic of float32 tensors whose shapes are stretched to each other, and its gradients. */
import { total } from './lanes';

// @ts-ignore: decorator
@inline
function combined(operator: i32, a: v128, b: v128): v128 {
  if (operator == 0) return f32x4.add(a, b);
  if (operator == 1) return f32x4.sub(a, b);
  if (operator == 2) return f32x4.mul(a, b);
  return f32x4.div(a, b);
}

/** The derivative of a combination: by its left operand, or by its right one. */
// @ts-ignore: decorator
@inline
function partial(operator: i32, right: bool, a: v128, b: v128): v128 {
  if (operator == 2) return right ? a : b;
  if (operator == 3) return right ? f32x4.neg(f32x4.div(f32x4.div(a, b), b)) : f32x4.div(f32x4.splat(1), b);
  return f32x4.splat(operator == 1 && right ? -1 : 1);
}

// @ts-ignore: decorator
@inline
function operand(first: usize, at: usize, steps: bool, kept: v128): v128 {
  return steps ? v128.load(first + at) : kept;
}

// @ts-ignore: decorator
@inline
function single(first: usize, at: usize, steps: bool): v128 {
  return v128.load32_splat(steps ? first + at : first);
}

/** out = a (operator) b, block by block; an operand advances within a block, or stays. */
export function combine(
  operator: i32, out: usize,
  a: usize, startsA: usize, stepsA: bool, b: usize, startsB: usize, stepsB: bool,
  blocks: i32, length: i32,
): void {
  const whole = <usize>(length & ~3) << 2, end = <usize>length << 2;
  for (let block = 0; block < blocks; block++) {
    const a0 = a + (<usize>load<i32>(startsA + (<usize>block << 2)) << 2);
    const b0 = b + (<usize>load<i32>(startsB + (<usize>block << 2)) << 2);
    const keptA = v128.load32_splat(a0), keptB = v128.load32_splat(b0);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      v128.store(out + at, combined(operator, operand(a0, at, stepsA, keptA), operand(b0, at, stepsB, keptB)));
    }
    for (; at < end; at += 4) {
      const value = combined(operator, single(a0, at, stepsA), single(b0, at, stepsB));
      store<f32>(out + at, f32x4.extract_lane(value, 0));
    }
    out += end;
  }
}

/** Gradients of the left or the right operand += gradients of the combination * partial derivative. */
export function combineBack(
  operator: i32, right: bool, to: usize, gradients: usize,
  a: usize, startsA: usize, stepsA: bool, b: usize, startsB: usize, stepsB: bool,
  blocks: i32, length: i32,
): void {
  const whole = <usize>(length & ~3) << 2, end = <usize>length << 2;
  const starts = right ? startsB : startsA;
  const steps = right ? stepsB : stepsA;
  for (let block = 0; block < blocks; block++) {
    const a0 = a + (<usize>load<i32>(startsA + (<usize>block << 2)) << 2);
    const b0 = b + (<usize>load<i32>(startsB + (<usize>block << 2)) << 2);
    const to0 = to + (<usize>load<i32>(starts + (<usize>block << 2)) << 2);
    const keptA = v128.load32_splat(a0), keptB = v128.load32_splat(b0);
    let sum = f32x4.splat(0);
    let rest: f32 = 0;
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const slope = partial(operator, right, operand(a0, at, stepsA, keptA), operand(b0, at, stepsB, keptB));
      const share = f32x4.mul(v128.load(gradients + at), slope);
      if (steps) v128.store(to0 + at, f32x4.add(v128.load(to0 + at), share));
      else sum = f32x4.add(sum, share);
    }
    for (; at < end; at += 4) {
      const slope = partial(operator, right, single(a0, at, stepsA), single(b0, at, stepsB));
      const share = load<f32>(gradients + at) * f32x4.extract_lane(slope, 0);
      if (steps) store<f32>(to0 + at, load<f32>(to0 + at) + share);
      else rest += share;
    }
    if (!steps) store<f32>(to0, load<f32>(to0) + total(sum) + rest);
    gradients += end;
  }
}
