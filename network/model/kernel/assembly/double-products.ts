/** Products of float64 matrices. */

/** C[i, j] += sum over k of A[i * depth + k] * B[k * columns + j] in float64; all row-major. */
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
