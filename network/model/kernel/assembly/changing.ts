/**
 * An activation that turns into a quadratic for each map, over values stored picture by picture: (1 − share)·f(x) + share·p(x), with
 * p(x) = d·(k₀ + k₁·w + k₂·w²), w = u clamped to ±limit, u = (x − m)/d. A part is a map. Sums are kept in float64 over float32 sums of a picture.
 */
import { total } from './lanes';

/**
 * Words: 0 x, 1 y, 2 pictures, 3 values of a map, 4 bytes between pictures, 5 coefficients (k₀, k₁, k₂ of each map), 6 centers m, 7 deviations d,
 * 8 share, 9 limit (floats' bits), 10: whether f is Relu; else y holds f(x).
 */
export function change(args: usize, map: i32): void {
  const pictures = load<i32>(args, 8), values = load<i32>(args, 12);
  const own = <usize>(map * values) << 2, apart = <usize>load<i32>(args, 16);
  const coefficients = <usize>load<i32>(args, 20) + <usize>(map * 12), at = <usize>map << 2;
  const m0 = load<f32>(<usize>load<i32>(args, 24) + at), d0 = load<f32>(<usize>load<i32>(args, 28) + at), i0 = <f32>1 / d0;
  const share = load<f32>(args, 32), limit = load<f32>(args, 36), rest = <f32>1 - share, isRelu = load<i32>(args, 40) != 0;
  const c0 = d0 * load<f32>(coefficients), c1 = d0 * load<f32>(coefficients, 4), c2 = d0 * load<f32>(coefficients, 8);
  const k0 = f32x4.splat(c0), k1 = f32x4.splat(c1), k2 = f32x4.splat(c2), m = f32x4.splat(m0), inverse = f32x4.splat(i0);
  const most = f32x4.splat(limit), least = f32x4.splat(-limit), s = f32x4.splat(share), r = f32x4.splat(rest), zero = f32x4.splat(0);
  for (let n = 0; n < pictures; n++) {
    let x = <usize>load<i32>(args) + own + <usize>n * apart, y = <usize>load<i32>(args, 4) + own + <usize>n * apart;
    let i = 0;
    for (const end = values & ~3; i < end; i += 4, x += 16, y += 16) {
      const v = v128.load(x);
      const w = f32x4.min(most, f32x4.max(least, f32x4.mul(f32x4.sub(v, m), inverse)));
      const p = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(w, k2), k1), w), k0);
      const f = isRelu ? f32x4.max(v, zero) : v128.load(y);
      v128.store(y, rest == 0 ? p : f32x4.add(f32x4.mul(p, s), f32x4.mul(f, r)));
    }
    for (; i < values; i++, x += 4, y += 4) {
      const v = load<f32>(x);
      const w = min(limit, max(-limit, (v - m0) * i0));
      const p = (c2 * w + c1) * w + c0;
      const f = isRelu ? max(v, <f32>0) : load<f32>(y);
      store<f32>(y, rest == 0 ? p : p * share + f * rest);
    }
  }
}

/**
 * Gradient of {@link change}, added to those by x and of the coefficients; and that of the penalty pull·Σ (b² + {@link HINGE}·b), b = |u| − limit where
 * that is positive. Of f only where it is Relu.
 * Words: 0 to 10 as there with the gradients by y (0) and x (1), 11 x, 12 gradients of the coefficients, 13 pull (a float's bits).
 */
export function changeBack(args: usize, map: i32): void {
  const pictures = load<i32>(args, 8), values = load<i32>(args, 12);
  const own = <usize>(map * values) << 2, apart = <usize>load<i32>(args, 16);
  const coefficients = <usize>load<i32>(args, 20) + <usize>(map * 12), at = <usize>map << 2;
  const m0 = load<f32>(<usize>load<i32>(args, 24) + at), d0 = load<f32>(<usize>load<i32>(args, 28) + at), i0 = <f32>1 / d0;
  const share = load<f32>(args, 32), limit = load<f32>(args, 36), rest: f32 = load<i32>(args, 40) ? <f32>1 - share : 0;
  const c1 = share * load<f32>(coefficients, 4), c2 = <f32>2 * share * load<f32>(coefficients, 8);
  const pull0 = load<f32>(args, 52) * i0;
  const k1 = f32x4.splat(c1), k2 = f32x4.splat(c2), m = f32x4.splat(m0), inverse = f32x4.splat(i0), pull = f32x4.splat(pull0);
  const most = f32x4.splat(limit), least = f32x4.splat(-limit), r = f32x4.splat(rest), zero = f32x4.splat(0);
  const two = f32x4.splat(2), hinge = f32x4.splat(HINGE);
  let all: f64 = 0, along: f64 = 0, squared: f64 = 0;
  for (let n = 0; n < pictures; n++) {
    const first = own + <usize>n * apart;
    let g = <usize>load<i32>(args) + first, to = <usize>load<i32>(args, 4) + first, x = <usize>load<i32>(args, 44) + first;
    let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0);
    let i = 0;
    for (const end = values & ~3; i < end; i += 4, g += 16, to += 16, x += 16) {
      const v = v128.load(x), slope = v128.load(g);
      const u = f32x4.mul(f32x4.sub(v, m), inverse);
      const w = f32x4.min(most, f32x4.max(least, u));
      const beyond = f32x4.sub(u, w), inside = f32x4.eq(beyond, zero);
      const by = f32x4.mul(slope, w);
      s0 = f32x4.add(s0, slope); s1 = f32x4.add(s1, by); s2 = f32x4.add(s2, f32x4.mul(by, w));
      const p = f32x4.mul(slope, f32x4.add(f32x4.mul(w, k2), k1));
      const back = f32x4.mul(pull, f32x4.add(f32x4.mul(beyond, two), v128.or(hinge, v128.and(beyond, f32x4.splat(-0.0)))));
      const f = v128.and(f32x4.gt(v, zero), f32x4.mul(slope, r));
      v128.store(to, f32x4.add(v128.load(to), f32x4.add(f, v128.bitselect(p, back, inside))));
    }
    all += <f64>total(s0); along += <f64>total(s1); squared += <f64>total(s2);
    for (; i < values; i++, g += 4, to += 4, x += 4) {
      const v = load<f32>(x), slope = load<f32>(g);
      const u = (v - m0) * i0;
      const w = min(limit, max(-limit, u)), beyond = u - w;
      all += <f64>slope; along += <f64>(slope * w); squared += <f64>(slope * w * w);
      const p = beyond == 0 ? slope * (c2 * w + c1) : pull0 * (<f32>2 * beyond + (beyond < 0 ? -HINGE : HINGE));
      store<f32>(to, load<f32>(to) + p + (v > 0 ? slope * rest : 0));
    }
  }
  const slopes = <usize>load<i32>(args, 48) + <usize>(map * 12), scale = <f64>(share * d0);
  store<f32>(slopes, load<f32>(slopes) + <f32>(scale * all));
  store<f32>(slopes, load<f32>(slopes, 4) + <f32>(scale * along), 4);
  store<f32>(slopes, load<f32>(slopes, 8) + <f32>(scale * squared), 8);
}

/** Of the penalty: its slope where it begins, in slopes that the square has half a deviation further. Without it what lies just beyond stays there. */
const HINGE: f32 = 2;
