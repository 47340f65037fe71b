/**
 * Slots to coefficients in float64.
 *
 * A real polynomial c of degree below N is read as d = Σ (c_k + i·c_(k+N/2))·X^k modulo X^(N/2) − i: the left half of the splitting tree of
 * X^N + 1, so the schedule is that of the inverse NTT with complex roots. Value p of the tree stands at the exponent 2·bitreverse_N(p) + 1.
 * Real and imaginary parts are two arrays of N/2 doubles one after the other: at the end they are c in order.
 */

/** Places pictures' values: dst[p] = values[map[p]] (float32), 0 where map[p] is negative. */
function place(dst: usize, map: usize, values: usize, count: u32): void {
  for (let p: u32 = 0; p < count; p++) {
    const index = load<i32>(map + (<usize>p << 2));
    store<f64>(dst + (<usize>p << 3), index < 0 ? 0.0 : <f64>load<f32>(values + (<usize>index << 2)));
  }
}

/**
 * coefficients = round(scale · inverse transform of the placed values): N doubles at dst.
 *
 * @param roots for node i of the tree the pair (Re, Im) of its root, N pairs; `scale` (float64) is at `scaleAt`, already divided by N/2.
 */
export function encode(dst: usize, map: usize, values: usize, roots: usize, scaleAt: usize, logN: u32): void {
  const half = 1 << (logN - 1);
  place(dst, map, values, half);
  const im = <usize>half << 3;
  // Distance 1: the values are real.
  {
    let root = roots + (<usize>half << 4);
    const end = dst + im;
    for (let a = dst; a < end; a += 16) {
      const x = load<f64>(a), y = load<f64>(a, 8);
      const d = x - y;
      store<f64>(a, x + y);
      store<f64>(a, d * load<f64>(root), 8);
      store<f64>(a + im, 0.0);
      store<f64>(a + im, -d * load<f64>(root, 8), 8);
      root += 16;
    }
  }
  for (let m: u32 = half >> 2; m >= 1; m >>= 1) {
    const distance = (<usize>half << 3) / (<usize>m << 1);
    for (let block: u32 = 0; block < m; block++) {
      const root = roots + (<usize>(2 * m + block) << 4);
      const wr = v128.load64_splat(root), wi = v128.load64_splat(root, 8);
      let a = dst + <usize>block * distance * 2;
      const end = a + distance;
      while (a < end) {
        const xr = v128.load(a), xi = v128.load(a + im);
        const yr = v128.load(a + distance), yi = v128.load(a + distance + im);
        const dr = f64x2.sub(xr, yr), di = f64x2.sub(xi, yi);
        v128.store(a, f64x2.add(xr, yr));
        v128.store(a + im, f64x2.add(xi, yi));
        // Times the conjugate root.
        v128.store(a + distance, f64x2.add(f64x2.mul(dr, wr), f64x2.mul(di, wi)));
        v128.store(a + distance + im, f64x2.sub(f64x2.mul(di, wr), f64x2.mul(dr, wi)));
        a += 16;
      }
    }
  }
  const scale = v128.load64_splat(scaleAt);
  const end = dst + (im << 1);
  while (dst < end) {
    v128.store(dst, f64x2.nearest(f64x2.mul(v128.load(dst), scale)));
    dst += 16;
  }
}
