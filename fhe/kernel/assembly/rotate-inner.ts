import { highWords, multiplyShoup, reduceMontgomery, subtractIfAbove } from './modular';
import { modulus, montgomeryInverse } from './prime';

/**
 * (dst0, dst1, dst2) = Σ rot(aₖ) ⊗ wₖ on the bytes from … to of one limb modulo q·P: hoisted rotation, key switching inner product
 * and product with the weight in one pass; a rotated ciphertext never reaches memory.
 *
 * A term is 12 words: 0 automorphism table (0: step 0), 1 digits (array of addresses), 2 number of digits, 3 key (interleaved, see ./limb), 4 its stride, 5 zero,
 * 6 a₀, 7 a₁ (used for step 0 only), 8 w₀, 9 w₁, 10–11 zero. rot(a) modulo q·P is P·a₀ rotated plus Σ digit·key;
 * `p`, `ps` is P mod q with its companion (0, 0 on a special prime, where P vanishes). Keys and weights in Montgomery form.
 */
export function rotateInner(dst: usize, distance: usize, terms: usize, count: u32, p: u32, ps: u32, patterns: usize, range: usize, prime: usize): void {
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1), qi = i32x4.splat(montgomeryInverse(prime));
  const top = highWords(q32 << 1);
  const pv = i32x4.splat(p), pvs = i32x4.splat(ps);
  const to = <usize>load<u32>(range, 4);
  for (let i = <usize>load<u32>(range); i < to; i += 16) {
    let l0 = i64x2.splat(0), h0 = i64x2.splat(0), l1 = i64x2.splat(0), h1 = i64x2.splat(0), l2 = i64x2.splat(0), h2 = i64x2.splat(0);
    let term = terms;
    for (let k: u32 = 0; k < count; k++) {
      const table = <usize>load<u32>(term);
      let r0: v128, r1: v128;
      if (table) {
        const entry = load<u32>(table + (i >> 2));
        const from = <usize>(entry & ~15);
        const pattern = v128.load(patterns + (<usize>(entry & 15) << 4));
        const digits = <usize>load<u32>(term, 4), last = digits + (<usize>load<u32>(term, 8) << 2);
        let key = <usize>load<u32>(term, 12) + (i >> 4) * <usize>load<u32>(term, 16);
        let kl0 = i64x2.splat(0), kh0 = i64x2.splat(0), kl1 = i64x2.splat(0), kh1 = i64x2.splat(0);
        for (let digit = digits; digit < last; digit += 4) {
          const x = v128.swizzle(v128.load(<usize>load<u32>(digit) + from), pattern);
          const k0 = v128.load(key), k1 = v128.load(key, 16);
          kl0 = i64x2.add(kl0, i64x2.extmul_low_i32x4_u(x, k0));
          kh0 = i64x2.add(kh0, i64x2.extmul_high_i32x4_u(x, k0));
          kl1 = i64x2.add(kl1, i64x2.extmul_low_i32x4_u(x, k1));
          kh1 = i64x2.add(kh1, i64x2.extmul_high_i32x4_u(x, k1));
          // Below 2q plus q / 4: brought below 2q at every digit beyond the eighth.
          if (digit - digits >= 32) {
            kl0 = subtractIfAbove(kl0, top); kh0 = subtractIfAbove(kh0, top);
            kl1 = subtractIfAbove(kl1, top); kh1 = subtractIfAbove(kh1, top);
          }
          key += 32;
        }
        const a0 = v128.swizzle(v128.load(<usize>load<u32>(term, 24) + from), pattern);
        // At most 8 products (or corrected to 2q) plus one: th < 3q. The reduction is below 4q.
        r0 = subtractIfAbove(reduceMontgomery(kl0, kh0, q, qi), q2);
        r0 = subtractIfAbove(subtractIfAbove(i32x4.add(r0, multiplyShoup(a0, pv, pvs, q)), q2), q);
        r1 = subtractIfAbove(subtractIfAbove(reduceMontgomery(kl1, kh1, q, qi), q2), q);
      } else {
        r0 = subtractIfAbove(multiplyShoup(v128.load(<usize>load<u32>(term, 24) + i), pv, pvs, q), q);
        r1 = subtractIfAbove(multiplyShoup(v128.load(<usize>load<u32>(term, 28) + i), pv, pvs, q), q);
      }
      const w0 = v128.load(<usize>load<u32>(term, 32) + i), w1 = v128.load(<usize>load<u32>(term, 36) + i);
      l0 = i64x2.add(l0, i64x2.extmul_low_i32x4_u(r0, w0));
      h0 = i64x2.add(h0, i64x2.extmul_high_i32x4_u(r0, w0));
      l1 = i64x2.add(l1, i64x2.add(i64x2.extmul_low_i32x4_u(r0, w1), i64x2.extmul_low_i32x4_u(r1, w0)));
      h1 = i64x2.add(h1, i64x2.add(i64x2.extmul_high_i32x4_u(r0, w1), i64x2.extmul_high_i32x4_u(r1, w0)));
      l2 = i64x2.add(l2, i64x2.extmul_low_i32x4_u(r1, w1));
      h2 = i64x2.add(h2, i64x2.extmul_high_i32x4_u(r1, w1));
      if ((k & 3) == 3) {
        l0 = subtractIfAbove(l0, top); h0 = subtractIfAbove(h0, top);
        l1 = subtractIfAbove(l1, top); h1 = subtractIfAbove(h1, top);
        l2 = subtractIfAbove(l2, top); h2 = subtractIfAbove(h2, top);
      }
      term += 48;
    }
    const s0 = reduceMontgomery(subtractIfAbove(l0, top), subtractIfAbove(h0, top), q, qi);
    const s1 = reduceMontgomery(subtractIfAbove(l1, top), subtractIfAbove(h1, top), q, qi);
    const s2 = reduceMontgomery(subtractIfAbove(l2, top), subtractIfAbove(h2, top), q, qi);
    v128.store(dst + i, subtractIfAbove(subtractIfAbove(s0, q2), q));
    v128.store(dst + distance + i, subtractIfAbove(subtractIfAbove(s1, q2), q));
    v128.store(dst + distance * 2 + i, subtractIfAbove(subtractIfAbove(s2, q2), q));
  }
}
