/** Steps of the switch into the small ring of results; the whole is fhe/engine/evaluator/ring-switcher.ts. */
import { requireBelow } from './contracts';
import { multiplyShoup, subtractIfAbove } from './modular';
import { degree, modulus } from './prime';

/**
 * Two signed digits of canonical residues in coefficient form: centered(x) = low + 2^15 · high, −2^14 ≤ low < 2^14.
 */
export function splitDigits(low: usize, high: usize, src: usize, prime: usize): void {
  requireBelow(src, 1, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), half = i32x4.splat(q32 >> 1), rounding = i32x4.splat(1 << 14);
  const end = src + (<usize>degree(prime) << 2);
  while (src < end) {
    const x = v128.load(src);
    const centered = i32x4.sub(x, v128.and(i32x4.gt_s(x, half), q));
    const top = i32x4.shr_s(i32x4.add(centered, rounding), 15);
    v128.store(high, top);
    v128.store(low, i32x4.sub(centered, i32x4.shl(top, 15)));
    src += 16; low += 16; high += 16;
  }
}

/**
 * Every `stride`-th coefficient of (main − special) / P′ + addend, brought from q₀ to the modulus q′ of the result with rounding.
 *
 * main, addend (0: none) canonical modulo q₀ and special canonical modulo P′, in coefficient form; dst `count` words, canonical modulo q′.
 * `constants`: 0 P′, 1–2 P′^−1 mod q₀ and companion, 3 q′, 4–5 q′ mod q₀ and companion, 6 a multiple of q′ above q₀ / 2, 7–8 q₀^−1 mod q′ and
 * companion. With q′ = q₀ the modulus stays (word 3 is then 0). With r = x · q′ mod q₀, centered, round(x · q′ / q₀) is −r / q₀ modulo q′.
 */
export function shrink(dst: usize, main: usize, special: usize, addend: usize, stride: u32, count: u32, constants: usize, prime: usize): void {
  requireBelow(main, 1, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), half = i32x4.splat(q32 >> 1);
  const p32 = load<u32>(constants), target32 = load<u32>(constants, 12);
  const p = i32x4.splat(p32), halfP = i32x4.splat(p32 >> 1);
  const pi = v128.load32_splat(constants, 4), pis = v128.load32_splat(constants, 8);
  const target = i32x4.splat(target32);
  const t = v128.load32_splat(constants, 16), ts = v128.load32_splat(constants, 20);
  const lift = v128.load32_splat(constants, 24), qi = v128.load32_splat(constants, 28), qis = v128.load32_splat(constants, 32);
  const step = <usize>stride << 2;
  for (let i: u32 = 0; i < count; i += 4) {
    const at = <usize>i * step;
    const x = gather(main + at, step), y = gather(special + at, step);
    const r = i32x4.sub(y, v128.and(i32x4.gt_s(y, halfP), p));
    // |r| < P′ / 2 < q: between q / 2 and 5q / 2.
    let v = subtractIfAbove(multiplyShoup(i32x4.add(i32x4.sub(x, r), q), pi, pis, q), q);
    if (addend) v = subtractIfAbove(i32x4.add(v, gather(addend + at, step)), q);
    if (target32) {
      const m = subtractIfAbove(multiplyShoup(v, t, ts, q), q);
      const centered = i32x4.sub(m, v128.and(i32x4.gt_s(m, half), q));
      v = subtractIfAbove(multiplyShoup(i32x4.sub(lift, centered), qi, qis, target), target);
    }
    v128.store(dst + (<usize>i << 2), v);
  }
}

// @ts-ignore: decorator
@inline
function gather(at: usize, step: usize): v128 {
  let x = v128.load32_zero(at);
  x = i32x4.replace_lane(x, 1, load<u32>(at + step));
  x = i32x4.replace_lane(x, 2, load<u32>(at + step * 2));
  return i32x4.replace_lane(x, 3, load<u32>(at + step * 3));
}
