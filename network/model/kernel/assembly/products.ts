/** Products of float32 matrices. Pointers are byte offsets into one fixed memory. */
import { total } from './lanes';

/** C[i, j] (+)= sum over k of A[i * ar + k * ac] * B[k * columns + j]; C and B row-major, A with any strides. */
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

/** C[i, j] (+)= sum over k of A[i * depth + k] * B[j * depth + k]: rows times rows. */
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
