/**
 * Public-key encryption: samplers and the last step. Constant-time in everything secret: no branch and no address depends on
 * the picture or on randomness.
 */
import { requireBelow } from './contracts';
import { multiplyShoup, reduceMontgomery, subtractIfAbove } from './modular';
import { multiply } from './limb';
import { forward, inverse } from './ntt';
import { degree, modulus, montgomeryInverse } from './prime';

/**
 * `count` signed words in {−1, 0, 1} from `count` random words: ⌊3r / 2^32⌋ − 1. Each value has probability 1/3 within 2^−32.
 */
export function sampleTernary(dst: usize, random: usize, count: u32): void {
  const third = i32x4.splat(0x55555555), thirds = i32x4.splat(0xaaaaaaaa);
  const end = dst + (<usize>count << 2);
  while (dst < end) {
    const r = v128.load(random);
    // Comparisons give −1 for true: 1 − [r ≤ ⅓] − [r ≤ ⅔].
    v128.store(dst, i32x4.add(i32x4.splat(1), i32x4.add(i32x4.le_u(r, third), i32x4.le_u(r, thirds))));
    dst += 16; random += 16;
  }
}

// @ts-ignore: decorator
@inline
function countOnes(x: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(x)));
}

/**
 * `count` errors from the centered binomial distribution of 21 + 21 coins (σ = 3.24, as SEAL), from 2·`count` random words.
 */
export function sampleError(dst: usize, random: usize, count: u32): void {
  const coins = i32x4.splat(0x1fffff);
  const end = dst + (<usize>count << 2);
  while (dst < end) {
    const heads = countOnes(v128.and(v128.load(random), coins));
    const tails = countOnes(v128.and(v128.load(random, 16), coins));
    v128.store(dst, i32x4.sub(heads, tails));
    dst += 16; random += 32;
  }
}

/** dst = forward transform of small signed words (|x| < q). */
export function forwardSmall(dst: usize, src: usize, prime: usize): void {
  const q = i32x4.splat(modulus(prime));
  const bytes = <usize>degree(prime) << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    const x = v128.load(src + at);
    v128.store(dst + at, i32x4.add(x, v128.and(i32x4.shr_s(x, 31), q)));
  }
  forward(dst, dst, 0, prime);
}

/**
 * dst = [key · u + e + h] in coefficient form, canonical: the special limb of a fresh encryption of zero.
 * `key` in Montgomery form and u in NTT form, e small signed words (|e| ≤ 21), h canonical.
 */
export function encryptTop(dst: usize, u: usize, key: usize, e: usize, h: u32, prime: usize): void {
  multiply(dst, u, key, prime);
  inverse(dst, dst, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1);
  const c = i32x4.splat(h + q32);
  const bytes = <usize>degree(prime) << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    // Below q + 2q + 21 < 4q, and not negative because of the q in c.
    const x = i32x4.add(i32x4.add(v128.load(dst + at), v128.load(e + at)), c);
    v128.store(dst + at, subtractIfAbove(subtractIfAbove(x, q2), q));
  }
}

/**
 * One limb of a fresh encryption: dst = key · u − transform of ((t − h − e) / P − m).
 *
 * Encryption of zero happens modulo q·P and is divided by P, as in SEAL, which takes away nearly all of the noise:
 * (p·u + e − [p·u + e]_P) / P + m. t is [p·u + e + h]_P in coefficient form with h = (P − 1) / 2, `key` is p / P in Montgomery form, `u` in
 * NTT form, e small signed words, m whole numbers below 2^52 in float64 (0: none).
 * `constants`: a multiple of q above 2^29 + 64 minus h (wrapping), P^−1 mod q, its companion.
 */
export function encryptLimb(dst: usize, u: usize, key: usize, t: usize, e: usize, message: usize, constants: usize, prime: usize): void {
  requireBelow(u, 1, prime);
  requireBelow(key, 1, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1), qi = i32x4.splat(montgomeryInverse(prime));
  const shift = v128.load32_splat(constants);
  const w = v128.load32_splat(constants, 4), ws = v128.load32_splat(constants, 8);
  const qf = f64x2.splat(<f64>q32), reciprocal = f64x2.splat(1.0 / <f64>q32);
  const bytes = <usize>degree(prime) << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    const x = i32x4.add(i32x4.sub(v128.load(t + at), v128.load(e + at)), shift);
    let y = multiplyShoup(x, w, ws, q);
    if (message) {
      const m0 = v128.load(message + (at << 1)), m1 = v128.load(message + (at << 1), 16);
      // The remainder is exact: m and nearest·q are whole numbers below 2^53. It lies in [−q/2 − 1, q/2 + 1].
      const r0 = f64x2.sub(m0, f64x2.mul(f64x2.nearest(f64x2.mul(m0, reciprocal)), qf));
      const r1 = f64x2.sub(m1, f64x2.mul(f64x2.nearest(f64x2.mul(m1, reciprocal)), qf));
      const r = v128.shuffle<u64>(i32x4.trunc_sat_f64x2_s_zero(r0), i32x4.trunc_sat_f64x2_s_zero(r1), 0, 2);
      y = i32x4.add(i32x4.sub(y, r), q);
    }
    v128.store(dst + at, y);
  }
  forward(dst, dst, 0, prime);
  for (let at: usize = 0; at < bytes; at += 16) {
    const a = v128.load(u + at), b = v128.load(key + at);
    const product = reduceMontgomery(i64x2.extmul_low_i32x4_u(a, b), i64x2.extmul_high_i32x4_u(a, b), q, qi);
    const r = i32x4.add(i32x4.sub(product, v128.load(dst + at)), q);
    v128.store(dst + at, subtractIfAbove(subtractIfAbove(r, q2), q));
  }
}
