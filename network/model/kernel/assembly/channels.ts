/**
 * What is done with each map (or unit) by itself: normalization, quadratics, a clamp. A part is a channel; its values lie `step` bytes apart, four at a
 * time where they are neighbors. Sums are kept in float64 over blocks of float32 sums.
 */
import { total } from './lanes';

/** Values whose sum is kept in float32. */
const BLOCK: i32 = 1024;
const EPSILON: f64 = 1e-5;

/** Values that can be taken four at a time. */
// @ts-ignore: decorator
@inline
function whole(count: i32, step: usize): i32 { return step == 4 ? count & ~3 : 0; }

/** Σ x. */
function sum(at: usize, count: i32, step: usize): f64 {
  let all: f64 = 0;
  const end = whole(count, step);
  let i = 0;
  while (i < end) {
    const block = min(end, i + BLOCK);
    let s = f32x4.splat(0);
    for (; i < block; i += 4, at += 16) s = f32x4.add(s, v128.load(at));
    all += <f64>total(s);
  }
  for (; i < count; i++, at += step) all += <f64>load<f32>(at);
  return all;
}

/** Σ (x − mean)². */
function deviation(at: usize, count: i32, step: usize, mean: f64): f64 {
  let all: f64 = 0;
  const end = whole(count, step), middle = f32x4.splat(<f32>mean);
  let i = 0;
  while (i < end) {
    const block = min(end, i + BLOCK);
    let s = f32x4.splat(0);
    for (; i < block; i += 4, at += 16) {
      const d = f32x4.sub(v128.load(at), middle);
      s = f32x4.add(s, f32x4.mul(d, d));
    }
    all += <f64>total(s);
  }
  for (; i < count; i++, at += step) {
    const d = <f64>load<f32>(at) - mean;
    all += d * d;
  }
  return all;
}

/** Σ a·(b − middle). */
function product(a: usize, b: usize, count: i32, step: usize, middle: f64): f64 {
  let all: f64 = 0;
  const end = whole(count, step), m = f32x4.splat(<f32>middle);
  let i = 0;
  while (i < end) {
    const block = min(end, i + BLOCK);
    let s = f32x4.splat(0);
    for (; i < block; i += 4, a += 16, b += 16)
      s = f32x4.add(s, f32x4.mul(v128.load(a), f32x4.sub(v128.load(b), m)));
    all += <f64>total(s);
  }
  for (; i < count; i++, a += step, b += step) all += <f64>load<f32>(a) * (<f64>load<f32>(b) - middle);
  return all;
}

// @ts-ignore: decorator
@inline
function word(args: usize, channel: i32, offset: usize): usize {
  return <usize>load<i32>(args + offset) + (<usize>channel << 2);
}

/**
 * y = scale·(x − mean)/σ + shift.
 * Words: 0 x, 1 y, 2 count, 3 bytes between channels, 4 step, 5 scale, 6 shift, 7 means, 8 variances, 9 inverse deviations, 10: whether those are of
 * this batch and to be written, or given (means and variances).
 */
export function normalize(args: usize, channel: i32): void {
  const apart = <usize>channel * <usize>load<i32>(args, 12);
  const count = load<i32>(args, 8), step = <usize>load<i32>(args, 16);
  let x = <usize>load<i32>(args) + apart, y = <usize>load<i32>(args, 4) + apart;
  const means = word(args, channel, 28), variances = word(args, channel, 32);
  if (load<i32>(args, 40)) {
    const mean = sum(x, count, step) / <f64>count;
    store<f32>(means, <f32>mean);
    store<f32>(variances, <f32>(deviation(x, count, step, mean) / <f64>count));
  }
  const inverse = 1 / Math.sqrt(<f64>load<f32>(variances) + EPSILON);
  store<f32>(word(args, channel, 36), <f32>inverse);
  const factor = <f32>(inverse * <f64>load<f32>(word(args, channel, 20)));
  const mean = load<f32>(means), shift = load<f32>(word(args, channel, 24));
  const f = f32x4.splat(factor), m = f32x4.splat(mean), s = f32x4.splat(shift);
  let i = 0;
  for (const end = whole(count, step); i < end; i += 4, x += 16, y += 16)
    v128.store(y, f32x4.add(f32x4.mul(f32x4.sub(v128.load(x), m), f), s));
  for (; i < count; i++, x += step, y += step) store<f32>(y, (load<f32>(x) - mean) * factor + shift);
}

/**
 * Gradient of {@link normalize} by x, and added to those of scale and shift.
 * Words: 0 to 9 as there with the gradients by y (0) and x (1), 10: whether the statistics were given, 11 x, 12 gradients of scale, 13 of shift.
 */
export function normalizeBack(args: usize, channel: i32): void {
  const apart = <usize>channel * <usize>load<i32>(args, 12);
  const count = load<i32>(args, 8), step = <usize>load<i32>(args, 16);
  let g = <usize>load<i32>(args) + apart, to = <usize>load<i32>(args, 4) + apart, x = <usize>load<i32>(args, 44) + apart;
  const mean = load<f32>(word(args, channel, 28)), inverse = load<f32>(word(args, channel, 36));
  const all = sum(g, count, step);
  const along = product(g, x, count, step, <f64>mean) * <f64>inverse;
  const scales = word(args, channel, 48), shifts = word(args, channel, 52);
  store<f32>(scales, load<f32>(scales) + <f32>along);
  store<f32>(shifts, load<f32>(shifts) + <f32>all);
  const factor = load<f32>(word(args, channel, 20)) * inverse;
  const given = load<i32>(args, 40) != 0;
  const middle: f32 = given ? 0 : <f32>(all / <f64>count), slope: f32 = given ? 0 : <f32>(along / <f64>count) * inverse;
  const f = f32x4.splat(factor), m = f32x4.splat(mean), k = f32x4.splat(slope), a = f32x4.splat(middle);
  let i = 0;
  for (const end = whole(count, step); i < end; i += 4, g += 16, to += 16, x += 16) {
    const own = f32x4.sub(f32x4.sub(v128.load(g), a), f32x4.mul(f32x4.sub(v128.load(x), m), k));
    v128.store(to, f32x4.mul(own, f));
  }
  for (; i < count; i++, g += step, to += step, x += step)
    store<f32>(to, (load<f32>(g) - middle - (load<f32>(x) - mean) * slope) * factor);
}

/** y = c + b·x + a·x². Words: 0 x, 1 y, 2 count, 3 bytes between channels, 4 step, 5 coefficients (c, b, a of each channel). */
export function quadratic(args: usize, channel: i32): void {
  const apart = <usize>channel * <usize>load<i32>(args, 12);
  const count = load<i32>(args, 8), step = <usize>load<i32>(args, 16);
  const coefficients = <usize>load<i32>(args, 20) + <usize>(channel * 12);
  let x = <usize>load<i32>(args) + apart, y = <usize>load<i32>(args, 4) + apart;
  const c0 = load<f32>(coefficients), b0 = load<f32>(coefficients, 4), a0 = load<f32>(coefficients, 8);
  const c = f32x4.splat(c0), b = f32x4.splat(b0), a = f32x4.splat(a0);
  let i = 0;
  for (const end = whole(count, step); i < end; i += 4, x += 16, y += 16) {
    const at = v128.load(x);
    v128.store(y, f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(at, a), b), at), c));
  }
  for (; i < count; i++, x += step, y += step) {
    const at = load<f32>(x);
    store<f32>(y, (at * a0 + b0) * at + c0);
  }
}

/** Gradient of {@link quadratic} by x (1) from that by y (0), and added to that of the coefficients. Words: 0 to 5 as there, 6 x, 7 gradients of the coefficients. */
export function quadraticBack(args: usize, channel: i32): void {
  const apart = <usize>channel * <usize>load<i32>(args, 12);
  const count = load<i32>(args, 8), step = <usize>load<i32>(args, 16);
  const coefficients = <usize>load<i32>(args, 20) + <usize>(channel * 12);
  let g = <usize>load<i32>(args) + apart, to = <usize>load<i32>(args, 4) + apart, x = <usize>load<i32>(args, 24) + apart;
  const b0 = load<f32>(coefficients, 4), a0 = <f32>2 * load<f32>(coefficients, 8);
  const b = f32x4.splat(b0), a = f32x4.splat(a0);
  let all: f64 = 0, along: f64 = 0, squared: f64 = 0;
  let i = 0;
  const end = whole(count, step);
  while (i < end) {
    const block = min(end, i + BLOCK);
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0);
    for (; i < block; i += 4, g += 16, to += 16, x += 16) {
      const at = v128.load(x), own = v128.load(g);
      const first = f32x4.mul(own, at);
      s0 = f32x4.add(s0, own); s1 = f32x4.add(s1, first); s2 = f32x4.add(s2, f32x4.mul(first, at));
      v128.store(to, f32x4.mul(own, f32x4.add(f32x4.mul(at, a), b)));
    }
    all += <f64>total(s0); along += <f64>total(s1); squared += <f64>total(s2);
  }
  for (; i < count; i++, g += step, to += step, x += step) {
    const at = load<f32>(x), own = load<f32>(g);
    all += <f64>own; along += <f64>(own * at); squared += <f64>(own * at * at);
    store<f32>(to, own * (at * a0 + b0));
  }
  const to0 = <usize>load<i32>(args, 28) + <usize>(channel * 12);
  store<f32>(to0, load<f32>(to0) + <f32>all);
  store<f32>(to0, load<f32>(to0, 4) + <f32>along, 4);
  store<f32>(to0, load<f32>(to0, 8) + <f32>squared, 8);
}

/** y = x within ±range, else the bound. Words: 0 x, 1 y, 2 count of a part, 3 count in all, 4 range (a float's bits). A part is a stretch of values. */
export function clamp(args: usize, part: i32): void {
  const own = load<i32>(args, 8);
  const first = part * own, count = min(own, load<i32>(args, 12) - first);
  let x = <usize>load<i32>(args) + (<usize>first << 2), y = <usize>load<i32>(args, 4) + (<usize>first << 2);
  const range = load<f32>(args, 16);
  const most = f32x4.splat(range), least = f32x4.splat(-range);
  let i = 0;
  for (const end = count & ~3; i < end; i += 4, x += 16, y += 16)
    v128.store(y, f32x4.min(most, f32x4.max(least, v128.load(x))));
  for (; i < count; i++, x += 4, y += 4) store<f32>(y, min(range, max(-range, load<f32>(x))));
}

/** Gradient of {@link clamp}: that by y within, pull·(what is beyond) outside. Words: 0 to 4 as there with the gradients by y (0) and x (1), 5 x, 6 pull (bits). */
export function clampBack(args: usize, part: i32): void {
  const own = load<i32>(args, 8);
  const first = part * own, count = min(own, load<i32>(args, 12) - first);
  let g = <usize>load<i32>(args) + (<usize>first << 2), to = <usize>load<i32>(args, 4) + (<usize>first << 2);
  let x = <usize>load<i32>(args, 20) + (<usize>first << 2);
  const range = load<f32>(args, 16), pull = load<f32>(args, 24);
  const most = f32x4.splat(range), least = f32x4.splat(-range), p = f32x4.splat(pull);
  let i = 0;
  for (const end = count & ~3; i < end; i += 4, g += 16, to += 16, x += 16) {
    const at = v128.load(x);
    const beyond = f32x4.sub(at, f32x4.min(most, f32x4.max(least, at)));
    const inside = f32x4.eq(beyond, f32x4.splat(0));
    v128.store(to, v128.bitselect(v128.load(g), f32x4.mul(p, beyond), inside));
  }
  for (; i < count; i++, g += 4, to += 4, x += 4) {
    const beyond = load<f32>(x) - min(range, max(-range, load<f32>(x)));
    store<f32>(to, beyond == 0 ? load<f32>(g) : pull * beyond);
  }
}
