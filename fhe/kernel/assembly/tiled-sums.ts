/**
 * Sums of products of ciphertexts, a tile of a limb at a time: all terms of one tile, then the next tile, with the sums in a buffer that stays
 * in the first cache. Weights and keys are larger than any cache. Taken four coefficients at a time over all terms, sums stayed in registers,
 * but every term was four more streams, far more than the processor fetches ahead: 25 hoisted rotations with weights at N = 8192
 * took 22 ms instead of 9.5, and 100 products at N = 16384 27 instead of 15. Tiles of 256 bytes took half as long again, of 4 KiB as long.
 */
import { subtractIfAbove } from './modular';

/** Bytes of a limb in a tile: 64 vectors of four residues, and 6 KiB of sums (fhe/engine/memory/place-range.ts makes room for them). */
export const TILE: usize = 1024;
/** Bytes of the sums of four coefficients: three polynomials, each two vectors of 64-bit sums. */
export const SUM: usize = 96;

/** Where the range of a task (its first and its end byte of the limb, then room up to a cache line) keeps its sums. */
// @ts-ignore: decorator
@inline
export function sumsOf(range: usize): usize {
  return range + 64;
}

/**
 * Reads a word of each cache line from `at` on and drops it: WebAssembly has no instruction to prefetch. Lines that are asked for all at once come at the
 * speed of the memory; asked for one by one between products, each was waited for.
 */
// @ts-ignore: decorator
@inline
export function touch(at: usize, bytes: usize): void {
  for (const end = at + bytes; at < end; at += 64) load<u64>(at);
}

/** Adds (r0, r1) ⊗ (w0, w1) to the sums at `sum`. `full`: brings them below 2q (`top`, see highWords), which every fourth term must. */
// @ts-ignore: decorator
@inline
export function addProduct(sum: usize, r0: v128, r1: v128, w0: v128, w1: v128, full: bool, top: v128): void {
  let l0 = i64x2.add(v128.load(sum), i64x2.extmul_low_i32x4_u(r0, w0));
  let h0 = i64x2.add(v128.load(sum, 16), i64x2.extmul_high_i32x4_u(r0, w0));
  let l1 = i64x2.add(v128.load(sum, 32), i64x2.add(i64x2.extmul_low_i32x4_u(r0, w1), i64x2.extmul_low_i32x4_u(r1, w0)));
  let h1 = i64x2.add(v128.load(sum, 48), i64x2.add(i64x2.extmul_high_i32x4_u(r0, w1), i64x2.extmul_high_i32x4_u(r1, w0)));
  let l2 = i64x2.add(v128.load(sum, 64), i64x2.extmul_low_i32x4_u(r1, w1));
  let h2 = i64x2.add(v128.load(sum, 80), i64x2.extmul_high_i32x4_u(r1, w1));
  if (full) {
    l0 = subtractIfAbove(l0, top); h0 = subtractIfAbove(h0, top);
    l1 = subtractIfAbove(l1, top); h1 = subtractIfAbove(h1, top);
    l2 = subtractIfAbove(l2, top); h2 = subtractIfAbove(h2, top);
  }
  v128.store(sum, l0); v128.store(sum, h0, 16);
  v128.store(sum, l1, 32); v128.store(sum, h1, 48);
  v128.store(sum, l2, 64); v128.store(sum, h2, 80);
}

/** Bytes of the sums of four coefficients where weights are not encrypted: two polynomials. */
export const PLAIN_SUM: usize = 64;

/** As {@link addProduct} for a weight of one polynomial: adds (r0·w, r1·w). `full`: every eighth term must. */
// @ts-ignore: decorator
@inline
export function addPlainProduct(sum: usize, r0: v128, r1: v128, w: v128, full: bool, top: v128): void {
  let l0 = i64x2.add(v128.load(sum), i64x2.extmul_low_i32x4_u(r0, w));
  let h0 = i64x2.add(v128.load(sum, 16), i64x2.extmul_high_i32x4_u(r0, w));
  let l1 = i64x2.add(v128.load(sum, 32), i64x2.extmul_low_i32x4_u(r1, w));
  let h1 = i64x2.add(v128.load(sum, 48), i64x2.extmul_high_i32x4_u(r1, w));
  if (full) {
    l0 = subtractIfAbove(l0, top); h0 = subtractIfAbove(h0, top);
    l1 = subtractIfAbove(l1, top); h1 = subtractIfAbove(h1, top);
  }
  v128.store(sum, l0); v128.store(sum, h0, 16);
  v128.store(sum, l1, 32); v128.store(sum, h1, 48);
}
