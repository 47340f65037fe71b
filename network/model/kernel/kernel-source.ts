/**
 * Matrix products, elementwise arithmetic and the patches of convolutions in AssemblyScript with SIMD, compiled to kernel-binary.ts by
 * build-kernel.mjs. Pointers are byte offsets into one fixed memory.
 */
export const KERNEL_SOURCE = `
// C[i, j] (+)= sum over k of A[i * ar + k * ac] * B[k * columns + j]; C and B row-major, A with any strides.
export function multiply(
  c: usize, a: usize, b: usize, rows: i32, depth: i32, columns: i32, ar: i32, ac: i32, add: bool,
): void {
  let i = 0;
  for (; i < rows; i += 4) {
    // Rows beyond the last are computed on the last row again and not stored.
    const r1 = min(i + 1, rows - 1), r2 = min(i + 2, rows - 1), r3 = min(i + 3, rows - 1);
    const a0 = a + (<usize>(i * ar) << 2), a1 = a + (<usize>(r1 * ar) << 2);
    const a2 = a + (<usize>(r2 * ar) << 2), a3 = a + (<usize>(r3 * ar) << 2);
    const step = <usize>ac << 2;
    const row = <usize>columns << 2;
    let j = 0;
    for (; j + 8 <= columns; j += 8) {
      let s00 = f32x4.splat(0), s01 = f32x4.splat(0), s10 = f32x4.splat(0), s11 = f32x4.splat(0);
      let s20 = f32x4.splat(0), s21 = f32x4.splat(0), s30 = f32x4.splat(0), s31 = f32x4.splat(0);
      let at = b + (<usize>j << 2);
      let k: usize = 0;
      for (let d = 0; d < depth; d++) {
        const b0 = v128.load(at), b1 = v128.load(at, 16);
        const w0 = v128.load32_splat(a0 + k), w1 = v128.load32_splat(a1 + k);
        const w2 = v128.load32_splat(a2 + k), w3 = v128.load32_splat(a3 + k);
        s00 = f32x4.add(s00, f32x4.mul(w0, b0)); s01 = f32x4.add(s01, f32x4.mul(w0, b1));
        s10 = f32x4.add(s10, f32x4.mul(w1, b0)); s11 = f32x4.add(s11, f32x4.mul(w1, b1));
        s20 = f32x4.add(s20, f32x4.mul(w2, b0)); s21 = f32x4.add(s21, f32x4.mul(w2, b1));
        s30 = f32x4.add(s30, f32x4.mul(w3, b0)); s31 = f32x4.add(s31, f32x4.mul(w3, b1));
        at += row;
        k += step;
      }
      store8(c, i, columns, j, s00, s01, add);
      if (i + 1 < rows) store8(c, i + 1, columns, j, s10, s11, add);
      if (i + 2 < rows) store8(c, i + 2, columns, j, s20, s21, add);
      if (i + 3 < rows) store8(c, i + 3, columns, j, s30, s31, add);
    }
    for (; j < columns; j++) {
      for (let r = i; r < min(i + 4, rows); r++) {
        let sum: f32 = 0;
        for (let d = 0; d < depth; d++) {
          sum += load<f32>(a + (<usize>(r * ar + d * ac) << 2)) * load<f32>(b + (<usize>(d * columns + j) << 2));
        }
        const out = c + (<usize>(r * columns + j) << 2);
        store<f32>(out, add ? load<f32>(out) + sum : sum);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function store8(c: usize, i: i32, columns: i32, j: i32, s0: v128, s1: v128, add: bool): void {
  const out = c + (<usize>(i * columns + j) << 2);
  v128.store(out, add ? f32x4.add(v128.load(out), s0) : s0);
  v128.store(out, add ? f32x4.add(v128.load(out, 16), s1) : s1, 16);
}

// @ts-ignore: decorator
@inline
function total(s: v128): f32 {
  return f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1) + f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3);
}

// C[i, j] (+)= sum over k of A[i * depth + k] * B[j * depth + k]: rows times rows.
export function multiplyTransposed(
  c: usize, a: usize, b: usize, rows: i32, depth: i32, columns: i32, add: bool,
): void {
  const whole = depth & ~3;
  for (let i = 0; i < rows; i += 2) {
    const second = min(i + 1, rows - 1);
    const a0 = a + (<usize>(i * depth) << 2), a1 = a + (<usize>(second * depth) << 2);
    for (let j = 0; j < columns; j += 2) {
      const other = min(j + 1, columns - 1);
      const b0 = b + (<usize>(j * depth) << 2), b1 = b + (<usize>(other * depth) << 2);
      let s00 = f32x4.splat(0), s01 = f32x4.splat(0), s10 = f32x4.splat(0), s11 = f32x4.splat(0);
      for (let d = 0; d < whole; d += 4) {
        const at = <usize>d << 2;
        const x0 = v128.load(a0 + at), x1 = v128.load(a1 + at), y0 = v128.load(b0 + at), y1 = v128.load(b1 + at);
        s00 = f32x4.add(s00, f32x4.mul(x0, y0)); s01 = f32x4.add(s01, f32x4.mul(x0, y1));
        s10 = f32x4.add(s10, f32x4.mul(x1, y0)); s11 = f32x4.add(s11, f32x4.mul(x1, y1));
      }
      let t00 = total(s00), t01 = total(s01), t10 = total(s10), t11 = total(s11);
      for (let d = whole; d < depth; d++) {
        const at = <usize>d << 2;
        t00 += load<f32>(a0 + at) * load<f32>(b0 + at);
        t01 += load<f32>(a0 + at) * load<f32>(b1 + at);
        t10 += load<f32>(a1 + at) * load<f32>(b0 + at);
        t11 += load<f32>(a1 + at) * load<f32>(b1 + at);
      }
      put(c, i, columns, j, t00, add);
      if (other > j) put(c, i, columns, other, t01, add);
      if (second > i) {
        put(c, second, columns, j, t10, add);
        if (other > j) put(c, second, columns, other, t11, add);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function put(c: usize, i: i32, columns: i32, j: i32, value: f32, add: bool): void {
  const out = c + (<usize>(i * columns + j) << 2);
  store<f32>(out, add ? load<f32>(out) + value : value);
}

// @ts-ignore: decorator
@inline
function combined(operator: i32, a: v128, b: v128): v128 {
  if (operator == 0) return f32x4.add(a, b);
  if (operator == 1) return f32x4.sub(a, b);
  if (operator == 2) return f32x4.mul(a, b);
  return f32x4.div(a, b);
}

// The derivative of a combination: by its left operand, or by its right one.
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

// out = a (operator) b, block by block; an operand advances within a block, or stays.
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

// Gradients of the left or the right operand += gradients of the combination * partial derivative.
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

// columns[c, i] = picture[c, index[i]], 0 where the index is negative.
export function gather(columns: usize, picture: usize, index: usize, channels: i32, pixels: i32, entries: i32): void {
  const end = index + (<usize>entries << 2);
  for (let c = 0; c < channels; c++) {
    for (let at = index; at < end; at += 4) {
      const from = load<i32>(at);
      store<f32>(columns, from < 0 ? 0 : load<f32>(picture + (<usize>from << 2)));
      columns += 4;
    }
    picture += <usize>pixels << 2;
  }
}

// picture[c, index[i]] += columns[c, i], but for negative indices.
export function scatter(picture: usize, columns: usize, index: usize, channels: i32, pixels: i32, entries: i32): void {
  const end = index + (<usize>entries << 2);
  for (let c = 0; c < channels; c++) {
    for (let at = index; at < end; at += 4) {
      const to = load<i32>(at);
      if (to >= 0) {
        const out = picture + (<usize>to << 2);
        store<f32>(out, load<f32>(out) + load<f32>(columns));
      }
      columns += 4;
    }
    picture += <usize>pixels << 2;
  }
}

// C[i, j] += sum over k of A[i * depth + k] * B[k * columns + j] in float64; all row-major.
export function multiplyDouble(c: usize, a: usize, b: usize, rows: i32, depth: i32, columns: i32): void {
  const row = <usize>columns << 3;
  for (let i = 0; i < rows; i += 4) {
    // Rows beyond the last are computed on the last row again and not stored.
    const a0 = a + (<usize>(i * depth) << 3), a1 = a + (<usize>(min(i + 1, rows - 1) * depth) << 3);
    const a2 = a + (<usize>(min(i + 2, rows - 1) * depth) << 3), a3 = a + (<usize>(min(i + 3, rows - 1) * depth) << 3);
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      let s00 = f64x2.splat(0), s01 = f64x2.splat(0), s10 = f64x2.splat(0), s11 = f64x2.splat(0);
      let s20 = f64x2.splat(0), s21 = f64x2.splat(0), s30 = f64x2.splat(0), s31 = f64x2.splat(0);
      let at = b + (<usize>j << 3);
      let k: usize = 0;
      for (let d = 0; d < depth; d++) {
        const b0 = v128.load(at), b1 = v128.load(at, 16);
        const w0 = v128.load64_splat(a0 + k), w1 = v128.load64_splat(a1 + k);
        const w2 = v128.load64_splat(a2 + k), w3 = v128.load64_splat(a3 + k);
        s00 = f64x2.add(s00, f64x2.mul(w0, b0)); s01 = f64x2.add(s01, f64x2.mul(w0, b1));
        s10 = f64x2.add(s10, f64x2.mul(w1, b0)); s11 = f64x2.add(s11, f64x2.mul(w1, b1));
        s20 = f64x2.add(s20, f64x2.mul(w2, b0)); s21 = f64x2.add(s21, f64x2.mul(w2, b1));
        s30 = f64x2.add(s30, f64x2.mul(w3, b0)); s31 = f64x2.add(s31, f64x2.mul(w3, b1));
        at += row;
        k += 8;
      }
      const out = c + (<usize>(i * columns + j) << 3);
      addDouble4(out, s00, s01);
      if (i + 1 < rows) addDouble4(out + row, s10, s11);
      if (i + 2 < rows) addDouble4(out + 2 * row, s20, s21);
      if (i + 3 < rows) addDouble4(out + 3 * row, s30, s31);
    }
    for (; j < columns; j++) {
      for (let r = i; r < min(i + 4, rows); r++) {
        let sum: f64 = 0;
        for (let d = 0; d < depth; d++) {
          sum += load<f64>(a + (<usize>(r * depth + d) << 3)) * load<f64>(b + (<usize>(d * columns + j) << 3));
        }
        const out = c + (<usize>(r * columns + j) << 3);
        store<f64>(out, load<f64>(out) + sum);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addDouble4(out: usize, s0: v128, s1: v128): void {
  v128.store(out, f64x2.add(v128.load(out), s0));
  v128.store(out, f64x2.add(v128.load(out, 16), s1), 16);
}
`;
