/**
 * Loops over one limb (N residues modulo one prime). Unless a comment says otherwise, inputs and outputs are canonical,
 * and dst may be the same as a source.
 */
import { requireBelow } from './contracts';
import { highWords, multiplyShoup, reduceMontgomery, subtractIfAbove } from './modular';
import { degree, modulus, montgomeryInverse, montgomeryOne, montgomeryOneCompanion } from './prime';
import { PLAIN_SUM, SUM, sumsOf, TILE, touch } from './tiled-sums';

/** Bytes of a limb whose part of a key is touched at once. */
const AHEAD: usize = 256;

/** dst = a + b. */
export function add(dst: usize, a: usize, b: usize, prime: usize): void {
  requireBelow(a, 1, prime);
  requireBelow(b, 1, prime);
  const q = i32x4.splat(modulus(prime));
  const end = a + (<usize>degree(prime) << 2);
  while (a < end) {
    v128.store(dst, subtractIfAbove(i32x4.add(v128.load(a), v128.load(b)), q));
    a += 16; b += 16; dst += 16;
  }
}

/** dst = a · w for one constant w with companion ws. a may be any 32-bit values. */
export function scale(dst: usize, a: usize, w: u32, ws: u32, prime: usize): void {
  const q = i32x4.splat(modulus(prime));
  const wv = i32x4.splat(w), wsv = i32x4.splat(ws);
  const end = a + (<usize>degree(prime) << 2);
  while (a < end) {
    v128.store(dst, subtractIfAbove(multiplyShoup(v128.load(a), wv, wsv, q), q));
    a += 16; dst += 16;
  }
}

/** dst = a · b, b in Montgomery form (times 2^32). */
export function multiply(dst: usize, a: usize, b: usize, prime: usize): void {
  requireBelow(a, 1, prime);
  requireBelow(b, 1, prime);
  const q = i32x4.splat(modulus(prime)), qi = i32x4.splat(montgomeryInverse(prime));
  const end = a + (<usize>degree(prime) << 2);
  while (a < end) {
    const x = v128.load(a), y = v128.load(b);
    // One product of canonical values: th < q / 4, so the result is lazy.
    const r = reduceMontgomery(i64x2.extmul_low_i32x4_u(x, y), i64x2.extmul_high_i32x4_u(x, y), q, qi);
    v128.store(dst, subtractIfAbove(r, q));
    a += 16; b += 16; dst += 16;
  }
}

function requireTerms(terms: usize, count: u32, offset: usize, prime: usize): void {
  for (let k: u32 = 0; k < count; k++, terms += 16) {
    const a = <usize>load<u32>(terms) + offset, w = <usize>load<u32>(terms, 8) + offset;
    requireBelow(a, 1, prime);
    requireBelow(a + <usize>load<u32>(terms, 4), 1, prime);
    requireBelow(w, 1, prime);
    requireBelow(w + <usize>load<u32>(terms, 12), 1, prime);
  }
}

/** As `touch`, of a tile of all polynomials of the terms from `term` to `last`, line by line; `isPlain`: a weight has one polynomial. */
// @ts-ignore: decorator
@inline
function touchTerms(term: usize, last: usize, at: usize, bytes: usize, isPlain: bool): void {
  for (const end = at + bytes; at < end; at += 64) {
    for (let one = term; one < last; one += 16) {
      const a = <usize>load<u32>(one) + at, w = <usize>load<u32>(one, 8) + at;
      load<u64>(a);
      load<u64>(a + <usize>load<u32>(one, 4));
      load<u64>(w);
      if (!isPlain) load<u64>(w + <usize>load<u32>(one, 12));
    }
  }
}

/** Takes the sum with th < 4q (high words) to a canonical residue, times 2^−32. */
// @ts-ignore: decorator
@inline
function settle(low: v128, high: v128, top: v128, q: v128, q2: v128, qi: v128): v128 {
  const r = reduceMontgomery(subtractIfAbove(low, top), subtractIfAbove(high, top), q, qi);
  return subtractIfAbove(subtractIfAbove(r, q2), q);
}

/**
 * (dst0, dst1, dst2) = Σ (a₀, a₁) ⊗ (w₀, w₁) over `count` terms: the degree-2 product of ciphertexts under (1, s, s²), on a
 * range of the limb (see ./tiled-sums).
 * A term is four words: address of a, distance a₁ − a₀, address of w, distance w₁ − w₀ (bytes); `offset` is added to the
 * addresses. `plain` ≠ 0: no factor is in Montgomery form (a product of two ciphertexts); 0: w is (constants).
 * The high words of the sums grow by less than q/2 a term and are brought below 2q every four terms.
 */
export function tensor(dst0: usize, dst1: usize, dst2: usize, terms: usize, count: u32, offset: usize, prime: usize, plain: u32, range: usize): void {
  if (!ASC_NO_ASSERT) requireTerms(terms, count, offset, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1), qi = i32x4.splat(montgomeryInverse(prime));
  const top = highWords(q32 << 1);
  const one = i32x4.splat(montgomeryOne(prime)), ones = i32x4.splat(montgomeryOneCompanion(prime));
  const stop = terms + (<usize>count << 4);
  const to = <usize>load<u32>(range, 4);
  const sums = sumsOf(range);
  for (let tile = <usize>load<u32>(range); tile < to; tile += TILE) {
    const end = min(tile + TILE, to);
    memory.fill(sums, 0, (end - tile >> 4) * SUM);
    for (let group: u32 = 0; group < count; group += 4) {
      const first = terms + (<usize>group << 4);
      const last = first + (<usize>min<u32>(count - group, 4) << 4);
      if (last < stop) touchTerms(last, min(last + 64, stop), tile + offset, end - tile, false);
      else if (end < to) touchTerms(terms, min(terms + 64, stop), end + offset, min(TILE, to - end), false);
      let sum = sums;
      for (let i = tile; i < end; i += 16, sum += SUM) {
        let l0 = i64x2.splat(0), h0 = i64x2.splat(0), l1 = i64x2.splat(0), h1 = i64x2.splat(0), l2 = i64x2.splat(0), h2 = i64x2.splat(0);
        const at = i + offset;
        for (let term = first; term < last; term += 16) {
          const from = <usize>load<u32>(term) + at, weight = <usize>load<u32>(term, 8) + at;
          const a0 = v128.load(from), w0 = v128.load(weight);
          const a1 = v128.load(from + <usize>load<u32>(term, 4)), w1 = v128.load(weight + <usize>load<u32>(term, 12));
          l0 = i64x2.add(l0, i64x2.extmul_low_i32x4_u(a0, w0));
          h0 = i64x2.add(h0, i64x2.extmul_high_i32x4_u(a0, w0));
          const a = i32x4.add(a0, a1), w = i32x4.add(w0, w1);
          l1 = i64x2.add(l1, i64x2.extmul_low_i32x4_u(a, w));
          h1 = i64x2.add(h1, i64x2.extmul_high_i32x4_u(a, w));
          l2 = i64x2.add(l2, i64x2.extmul_low_i32x4_u(a1, w1));
          h2 = i64x2.add(h2, i64x2.extmul_high_i32x4_u(a1, w1));
        }
        // Karatsuba: of each term (a₀ + a₁)·(w₀ + w₁) − a₀·w₀ − a₁·w₁; four of the first, below 2^62 each, are below 2^64.
        l1 = i64x2.add(i64x2.sub(l1, i64x2.add(l0, l2)), v128.load(sum, 32));
        h1 = i64x2.add(i64x2.sub(h1, i64x2.add(h0, h2)), v128.load(sum, 48));
        l0 = i64x2.add(l0, v128.load(sum)); h0 = i64x2.add(h0, v128.load(sum, 16));
        l2 = i64x2.add(l2, v128.load(sum, 64)); h2 = i64x2.add(h2, v128.load(sum, 80));
        v128.store(sum, subtractIfAbove(l0, top)); v128.store(sum, subtractIfAbove(h0, top), 16);
        v128.store(sum, subtractIfAbove(l1, top), 32); v128.store(sum, subtractIfAbove(h1, top), 48);
        v128.store(sum, subtractIfAbove(l2, top), 64); v128.store(sum, subtractIfAbove(h2, top), 80);
      }
    }
    let sum = sums;
    for (let i = tile; i < end; i += 16, sum += SUM) {
      // Brought below 2q already.
      let r0 = reduceMontgomery(v128.load(sum), v128.load(sum, 16), q, qi);
      let r1 = reduceMontgomery(v128.load(sum, 32), v128.load(sum, 48), q, qi);
      let r2 = reduceMontgomery(v128.load(sum, 64), v128.load(sum, 80), q, qi);
      r0 = subtractIfAbove(subtractIfAbove(r0, q2), q);
      r1 = subtractIfAbove(subtractIfAbove(r1, q2), q);
      r2 = subtractIfAbove(subtractIfAbove(r2, q2), q);
      if (plain) {
        r0 = subtractIfAbove(multiplyShoup(r0, one, ones, q), q);
        r1 = subtractIfAbove(multiplyShoup(r1, one, ones, q), q);
        r2 = subtractIfAbove(multiplyShoup(r2, one, ones, q), q);
      }
      v128.store(dst0 + i, r0);
      v128.store(dst1 + i, r1);
      v128.store(dst2 + i, r2);
    }
  }
}

/**
 * (dst0, dst1) = Σ (a₀, a₁) · w over `count` terms, weights that are not encrypted, in Montgomery form. Terms as of {@link tensor}; their last word is
 * not read. The high words grow by less than q/4 a term and are brought below 2q every eight terms.
 */
export function innerPlain(dst0: usize, dst1: usize, terms: usize, count: u32, offset: usize, prime: usize, range: usize): void {
  if (!ASC_NO_ASSERT) {
    for (let k: u32 = 0, term = terms; k < count; k++, term += 16) {
      const a = <usize>load<u32>(term) + offset;
      requireBelow(a, 1, prime);
      requireBelow(a + <usize>load<u32>(term, 4), 1, prime);
      requireBelow(<usize>load<u32>(term, 8) + offset, 1, prime);
    }
  }
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1), qi = i32x4.splat(montgomeryInverse(prime));
  const top = highWords(q32 << 1);
  const stop = terms + (<usize>count << 4);
  const to = <usize>load<u32>(range, 4);
  const sums = sumsOf(range);
  for (let tile = <usize>load<u32>(range); tile < to; tile += TILE) {
    const end = min(tile + TILE, to);
    memory.fill(sums, 0, (end - tile >> 4) * PLAIN_SUM);
    for (let group: u32 = 0; group < count; group += 8) {
      const first = terms + (<usize>group << 4);
      const last = first + (<usize>min<u32>(count - group, 8) << 4);
      if (last < stop) touchTerms(last, min(last + 128, stop), tile + offset, end - tile, true);
      else if (end < to) touchTerms(terms, min(terms + 128, stop), end + offset, min(TILE, to - end), true);
      let sum = sums;
      for (let i = tile; i < end; i += 16, sum += PLAIN_SUM) {
        let l0 = v128.load(sum), h0 = v128.load(sum, 16), l1 = v128.load(sum, 32), h1 = v128.load(sum, 48);
        const at = i + offset;
        for (let term = first; term < last; term += 16) {
          const a = <usize>load<u32>(term) + at;
          const a0 = v128.load(a), a1 = v128.load(a + <usize>load<u32>(term, 4));
          const w = v128.load(<usize>load<u32>(term, 8) + at);
          l0 = i64x2.add(l0, i64x2.extmul_low_i32x4_u(a0, w));
          h0 = i64x2.add(h0, i64x2.extmul_high_i32x4_u(a0, w));
          l1 = i64x2.add(l1, i64x2.extmul_low_i32x4_u(a1, w));
          h1 = i64x2.add(h1, i64x2.extmul_high_i32x4_u(a1, w));
        }
        v128.store(sum, subtractIfAbove(l0, top)); v128.store(sum, subtractIfAbove(h0, top), 16);
        v128.store(sum, subtractIfAbove(l1, top), 32); v128.store(sum, subtractIfAbove(h1, top), 48);
      }
    }
    let sum = sums;
    for (let i = tile; i < end; i += 16, sum += PLAIN_SUM) {
      // Brought below 2q already.
      const r0 = reduceMontgomery(v128.load(sum), v128.load(sum, 16), q, qi);
      const r1 = reduceMontgomery(v128.load(sum, 32), v128.load(sum, 48), q, qi);
      v128.store(dst0 + i, subtractIfAbove(subtractIfAbove(r0, q2), q));
      v128.store(dst1 + i, subtractIfAbove(subtractIfAbove(r1, q2), q));
    }
  }
}

/** (dst0, dst1, dst2) = (a₀², 2·a₀·a₁, a₁²), a₁ = `distance` bytes after a. */
export function square(dst0: usize, dst1: usize, dst2: usize, a: usize, distance: usize, prime: usize): void {
  requireBelow(a, 1, prime);
  requireBelow(a + distance, 1, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), qi = i32x4.splat(montgomeryInverse(prime));
  const one = i32x4.splat(montgomeryOne(prime)), ones = i32x4.splat(montgomeryOneCompanion(prime));
  const bytes = <usize>degree(prime) << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(a + i), y = v128.load(a + i + distance);
    // One product: th < q / 4, the reduction is lazy, and Shoup's multiplication takes any 32-bit value.
    const xx = reduceMontgomery(i64x2.extmul_low_i32x4_u(x, x), i64x2.extmul_high_i32x4_u(x, x), q, qi);
    const xy = reduceMontgomery(i64x2.extmul_low_i32x4_u(x, y), i64x2.extmul_high_i32x4_u(x, y), q, qi);
    const yy = reduceMontgomery(i64x2.extmul_low_i32x4_u(y, y), i64x2.extmul_high_i32x4_u(y, y), q, qi);
    v128.store(dst0 + i, subtractIfAbove(multiplyShoup(xx, one, ones, q), q));
    v128.store(dst1 + i, subtractIfAbove(multiplyShoup(i32x4.add(xy, xy), one, ones, q), q));
    v128.store(dst2 + i, subtractIfAbove(multiplyShoup(yy, one, ones, q), q));
  }
}

/** In debug builds: all digits are canonical. */
export function requireDigits(digits: usize, count: u32, prime: usize): void {
  for (let k: u32 = 0; k < count; k++) requireBelow(<usize>load<u32>(digits + (<usize>k << 2)), 1, prime);
}

/**
 * (dst0, dst1) = Σ digitᵢ · (keyᵢ₀, keyᵢ₁), keys in Montgomery form: the inner product of key switching.
 * `digits` is an array of addresses. The key of one prime is interleaved: for each group of four coefficients `stride` bytes, in them for each digit
 * its two halves. Read as 2 · digits separate polynomials it cost twice the time: more streams than the processor fetches ahead.
 */
export function keyInner(dst0: usize, dst1: usize, digits: usize, count: u32, key: usize, stride: usize, prime: usize): void {
  if (!ASC_NO_ASSERT) requireDigits(digits, count, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1), qi = i32x4.splat(montgomeryInverse(prime));
  const top = highWords(q32 << 1);
  const bytes = <usize>degree(prime) << 2;
  // Two groups at a time: one load of a digit's address serves both.
  for (let i: usize = 0; i < bytes; i += 32) {
    if ((i & (AHEAD - 1)) == 0 && i + AHEAD < bytes) touch(key + (AHEAD >> 4) * stride, (AHEAD >> 4) * stride);
    let l0 = i64x2.splat(0), h0 = i64x2.splat(0), l1 = i64x2.splat(0), h1 = i64x2.splat(0);
    let m0 = i64x2.splat(0), n0 = i64x2.splat(0), m1 = i64x2.splat(0), n1 = i64x2.splat(0);
    let w = key, v = key + stride, left = count;
    let digit = digits;
    while (left > 0) {
      // Below 2q, eight products add less than 2q to the high words.
      const last = digit + (<usize>min<u32>(left, 8) << 2);
      left -= min<u32>(left, 8);
      while (digit < last) {
        const at = <usize>load<u32>(digit) + i;
        const x = v128.load(at);
        const w0 = v128.load(w), w1 = v128.load(w, 16);
        l0 = i64x2.add(l0, i64x2.extmul_low_i32x4_u(x, w0));
        h0 = i64x2.add(h0, i64x2.extmul_high_i32x4_u(x, w0));
        l1 = i64x2.add(l1, i64x2.extmul_low_i32x4_u(x, w1));
        h1 = i64x2.add(h1, i64x2.extmul_high_i32x4_u(x, w1));
        const y = v128.load(at, 16);
        const v0 = v128.load(v), v1 = v128.load(v, 16);
        m0 = i64x2.add(m0, i64x2.extmul_low_i32x4_u(y, v0));
        n0 = i64x2.add(n0, i64x2.extmul_high_i32x4_u(y, v0));
        m1 = i64x2.add(m1, i64x2.extmul_low_i32x4_u(y, v1));
        n1 = i64x2.add(n1, i64x2.extmul_high_i32x4_u(y, v1));
        w += 32; v += 32; digit += 4;
      }
      if (left > 0) {
        l0 = subtractIfAbove(l0, top); h0 = subtractIfAbove(h0, top);
        l1 = subtractIfAbove(l1, top); h1 = subtractIfAbove(h1, top);
        m0 = subtractIfAbove(m0, top); n0 = subtractIfAbove(n0, top);
        m1 = subtractIfAbove(m1, top); n1 = subtractIfAbove(n1, top);
      }
    }
    key += stride << 1;
    v128.store(dst0 + i, settle(l0, h0, top, q, q2, qi));
    v128.store(dst1 + i, settle(l1, h1, top, q, q2, qi));
    v128.store(dst0 + i, settle(m0, n0, top, q, q2, qi), 16);
    v128.store(dst1 + i, settle(m1, n1, top, q, q2, qi), 16);
  }
}
