/**
 * The automorphism X → X^g on a limb in NTT form, four residues at a time.
 *
 * Entry i stands at exponent 2·bitreverse(i) + 1. Four neighbours share the low bits of the exponent and differ in the top two,
 * and multiplication by an odd g keeps that: aligned groups of four go to aligned groups of four, each permuted inside by one of
 * eight patterns. A table has a word for each group of the result: byte offset of the source group (a multiple of 16) plus pattern.
 */
import { requireBelow } from './contracts';
import { requireDigits } from './limb';
import { highWords, multiplyShoup, reduceMontgomery, subtractIfAbove } from './modular';
import { degree, modulus, montgomeryInverse } from './prime';

// @ts-ignore: decorator
@inline
function gather(src: usize, entry: u32, patterns: usize): v128 {
  return v128.swizzle(v128.load(src + <usize>(entry & ~15)), v128.load(patterns + (<usize>(entry & 15) << 4)));
}

/** dst = automorphism of src; dst is not src. */
export function permute(dst: usize, src: usize, table: usize, patterns: usize, prime: usize): void {
  const end = dst + (<usize>degree(prime) << 2);
  while (dst < end) {
    v128.store(dst, gather(src, load<u32>(table), patterns));
    table += 4; dst += 16;
  }
}

/** dst = a + automorphism of src · w, w a constant with companion ws; table 0: no automorphism. dst may be a, not src. */
export function addScaled(dst: usize, a: usize, src: usize, w: u32, ws: u32, table: usize, patterns: usize, prime: usize): void {
  requireBelow(a, 1, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1);
  const wv = i32x4.splat(w), wsv = i32x4.splat(ws);
  const end = dst + (<usize>degree(prime) << 2);
  while (dst < end) {
    const x = table ? gather(src, load<u32>(table), patterns) : v128.load(src);
    const r = i32x4.add(v128.load(a), multiplyShoup(x, wv, wsv, q));
    v128.store(dst, subtractIfAbove(subtractIfAbove(r, q2), q));
    dst += 16; a += 16;
    if (table) table += 4;
    else src += 16;
  }
}

/**
 * As keyInner of ./limb on the automorphism of the digits: hoisted rotations decompose once and permute here.
 */
export function keyInnerPermuted(dst0: usize, dst1: usize, digits: usize, count: u32, key: usize, stride: usize, table: usize, patterns: usize, prime: usize): void {
  if (!ASC_NO_ASSERT) requireDigits(digits, count, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1), qi = i32x4.splat(montgomeryInverse(prime));
  const top = highWords(q32 << 1);
  const bytes = <usize>degree(prime) << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    let l0 = i64x2.splat(0), h0 = i64x2.splat(0), l1 = i64x2.splat(0), h1 = i64x2.splat(0);
    const entry = load<u32>(table + (i >> 2));
    const from = <usize>(entry & ~15);
    const pattern = v128.load(patterns + (<usize>(entry & 15) << 4));
    let w = key;
    key += stride;
    for (let k: u32 = 0; k < count; k++) {
      const x = v128.swizzle(v128.load(<usize>load<u32>(digits + (<usize>k << 2)) + from), pattern);
      const w0 = v128.load(w), w1 = v128.load(w, 16);
      l0 = i64x2.add(l0, i64x2.extmul_low_i32x4_u(x, w0));
      h0 = i64x2.add(h0, i64x2.extmul_high_i32x4_u(x, w0));
      l1 = i64x2.add(l1, i64x2.extmul_low_i32x4_u(x, w1));
      h1 = i64x2.add(h1, i64x2.extmul_high_i32x4_u(x, w1));
      if ((k & 7) == 7) {
        l0 = subtractIfAbove(l0, top); h0 = subtractIfAbove(h0, top);
        l1 = subtractIfAbove(l1, top); h1 = subtractIfAbove(h1, top);
      }
      w += 32;
    }
    const r0 = reduceMontgomery(subtractIfAbove(l0, top), subtractIfAbove(h0, top), q, qi);
    const r1 = reduceMontgomery(subtractIfAbove(l1, top), subtractIfAbove(h1, top), q, qi);
    v128.store(dst0 + i, subtractIfAbove(subtractIfAbove(r0, q2), q));
    v128.store(dst1 + i, subtractIfAbove(subtractIfAbove(r1, q2), q));
  }
}

/** dst = a + Σ automorphisms of src; `tables`: array of `count` tables. dst may be a, not src. */
export function permuteSum(dst: usize, a: usize, src: usize, tables: usize, count: u32, patterns: usize, prime: usize): void {
  requireBelow(a, 1, prime);
  requireBelow(src, 1, prime);
  const q = i32x4.splat(modulus(prime));
  const groups = degree(prime) >> 2;
  for (let group: u32 = 0; group < groups; group++) {
    const at = <usize>group << 4;
    let sum = v128.load(a + at);
    for (let k: u32 = 0; k < count; k++) {
      const entry = load<u32>(<usize>load<u32>(tables + (<usize>k << 2)) + (<usize>group << 2));
      sum = subtractIfAbove(i32x4.add(sum, gather(src, entry, patterns)), q);
    }
    v128.store(dst + at, sum);
  }
}

/**
 * (dst0, dst1) = Σ over rotations of what keyInnerPermuted gives: all rotations of a round of a fold.
 * `rotations`: for each of `rotationCount` the triple table, key, stride.
 */
export function foldInner(dst0: usize, dst1: usize, digits: usize, count: u32, rotations: usize, rotationCount: u32, patterns: usize, prime: usize): void {
  if (!ASC_NO_ASSERT) requireDigits(digits, count, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1), qi = i32x4.splat(montgomeryInverse(prime));
  const top = highWords(q32 << 1);
  const bytes = <usize>degree(prime) << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    let l0 = i64x2.splat(0), h0 = i64x2.splat(0), l1 = i64x2.splat(0), h1 = i64x2.splat(0);
    let products: u32 = 0;
    let rotation = rotations;
    for (let r: u32 = 0; r < rotationCount; r++) {
      const entry = load<u32>(<usize>load<u32>(rotation) + (i >> 2));
      const from = <usize>(entry & ~15);
      const pattern = v128.load(patterns + (<usize>(entry & 15) << 4));
      let w = <usize>load<u32>(rotation, 4) + (i >> 4) * <usize>load<u32>(rotation, 8);
      for (let k: u32 = 0; k < count; k++) {
        const x = v128.swizzle(v128.load(<usize>load<u32>(digits + (<usize>k << 2)) + from), pattern);
        const w0 = v128.load(w), w1 = v128.load(w, 16);
        l0 = i64x2.add(l0, i64x2.extmul_low_i32x4_u(x, w0));
        h0 = i64x2.add(h0, i64x2.extmul_high_i32x4_u(x, w0));
        l1 = i64x2.add(l1, i64x2.extmul_low_i32x4_u(x, w1));
        h1 = i64x2.add(h1, i64x2.extmul_high_i32x4_u(x, w1));
        // As in keyInner: below 2q, eight products add less than 2q to the high words.
        if ((++products & 7) == 0) {
          l0 = subtractIfAbove(l0, top); h0 = subtractIfAbove(h0, top);
          l1 = subtractIfAbove(l1, top); h1 = subtractIfAbove(h1, top);
        }
        w += 32;
      }
      rotation += 12;
    }
    const r0 = reduceMontgomery(subtractIfAbove(l0, top), subtractIfAbove(h0, top), q, qi);
    const r1 = reduceMontgomery(subtractIfAbove(l1, top), subtractIfAbove(h1, top), q, qi);
    v128.store(dst0 + i, subtractIfAbove(subtractIfAbove(r0, q2), q));
    v128.store(dst1 + i, subtractIfAbove(subtractIfAbove(r1, q2), q));
  }
}
