import { requireBelow } from './contracts';
import { requireDigits } from './limb';
import { highWords, multiplyShoup, reduceMontgomery, subtractIfAbove } from './modular';
import { modulus, montgomeryInverse } from './prime';
import { addPlainProduct, addProduct, PLAIN_SUM, SUM, sumsOf, TILE, touch } from './tiled-sums';

/** What weights are, as a type argument: a branch on it is decided when the kernel is compiled. */
type Encrypted = u8;
type Plain = u32;

/** In debug builds: digits, weights and, where P does not vanish, ciphertexts are canonical. */
function requireTerms<Weights>(terms: usize, count: u32, p: u32, prime: usize): void {
  for (let k: u32 = 0; k < count; k++, terms += 48) {
    const rotates = load<u32>(terms) != 0;
    if (rotates) requireDigits(<usize>load<u32>(terms, 4), load<u32>(terms, 8), prime);
    if (p) requireBelow(<usize>load<u32>(terms, 24), 1, prime);
    if (p && !rotates) requireBelow(<usize>load<u32>(terms, 28), 1, prime);
    requireBelow(<usize>load<u32>(terms, 32), 1, prime);
    if (sizeof<Weights>() == sizeof<Encrypted>()) requireBelow(<usize>load<u32>(terms, 36), 1, prime);
  }
}

/**
 * (dst0, dst1, dst2) = Σ rot(aₖ) ⊗ wₖ on a range of one limb (see ./tiled-sums) modulo q·P: hoisted rotation, key switching inner product
 * and product with the weight in one pass; a rotated ciphertext never reaches memory.
 *
 * A term is 12 words: 0 automorphism table (0: step 0), 1 digits (array of addresses), 2 number of digits, 3 key (interleaved, see ./limb), 4 its stride, 5 zero,
 * 6 a₀, 7 a₁ (used for step 0 only), 8 w₀, 9 w₁, 10–11 zero. rot(a) modulo q·P is P·a₀ rotated plus Σ digit·key;
 * `p`, `ps` is P mod q with its companion (0, 0 on a special prime, where P vanishes). Keys and weights in Montgomery form.
 */
export function rotateInner(dst: usize, distance: usize, terms: usize, count: u32, p: u32, ps: u32, patterns: usize, range: usize, prime: usize): void {
  sumRotated<Encrypted>(dst, distance, terms, count, p, ps, patterns, range, prime);
}

/** As {@link rotateInner} with weights that are not encrypted, one polynomial each: (dst0, dst1) = Σ rot(aₖ) · wₖ. Word 9 of a term is not read. */
export function rotateInnerPlain(dst: usize, distance: usize, terms: usize, count: u32, p: u32, ps: u32, patterns: usize, range: usize, prime: usize): void {
  sumRotated<Plain>(dst, distance, terms, count, p, ps, patterns, range, prime);
}

/** Touches what a term needs of a tile: its weight, and its rows of the key. */
// @ts-ignore: decorator
@inline
function touchTerm<Weights>(term: usize, tile: usize, bytes: usize): void {
  touch(<usize>load<u32>(term, 32) + tile, bytes);
  if (sizeof<Weights>() == sizeof<Encrypted>()) touch(<usize>load<u32>(term, 36) + tile, bytes);
  if (!load<u32>(term)) return;
  const stride = <usize>load<u32>(term, 16);
  touch(<usize>load<u32>(term, 12) + (tile >> 4) * stride, (bytes >> 4) * stride);
}

function sumRotated<Weights>(dst: usize, distance: usize, terms: usize, count: u32, p: u32, ps: u32, patterns: usize, range: usize, prime: usize): void {
  if (!ASC_NO_ASSERT) requireTerms<Weights>(terms, count, p, prime);
  const isPlain = sizeof<Weights>() == sizeof<Plain>();
  const width: usize = isPlain ? PLAIN_SUM : SUM;
  const group: u32 = isPlain ? 7 : 3;
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1), qi = i32x4.splat(montgomeryInverse(prime));
  const top = highWords(q32 << 1);
  const pv = i32x4.splat(p), pvs = i32x4.splat(ps);
  const to = <usize>load<u32>(range, 4);
  const sums = sumsOf(range);
  for (let tile = <usize>load<u32>(range); tile < to; tile += TILE) {
    const end = min(tile + TILE, to);
    memory.fill(sums, 0, (end - tile >> 4) * width);
    let term = terms;
    for (let k: u32 = 0; k < count; k++, term += 48) {
      const table = <usize>load<u32>(term);
      const first = <usize>load<u32>(term, 24), second = <usize>load<u32>(term, 28);
      const w0 = <usize>load<u32>(term, 32), w1 = <usize>load<u32>(term, 36);
      const full = (k & group) == group;
      if (k + 1 < count) touchTerm<Weights>(term + 48, tile, end - tile);
      else if (end < to) touchTerm<Weights>(terms, end, min(TILE, to - end));
      let sum = sums;
      if (table) {
        const digits = <usize>load<u32>(term, 4), last = digits + (<usize>load<u32>(term, 8) << 2);
        const stride = <usize>load<u32>(term, 16);
        // Longer than the digits where the key reaches further than the source.
        let row = <usize>load<u32>(term, 12) + (tile >> 4) * stride;
        for (let i = tile; i < end; i += 16, sum += width, row += stride) {
          let key = row;
          const entry = load<u32>(table + (i >> 2));
          const from = <usize>(entry & ~15);
          const pattern = v128.load(patterns + (<usize>(entry & 15) << 4));
          let l0 = i64x2.splat(0), h0 = i64x2.splat(0), l1 = i64x2.splat(0), h1 = i64x2.splat(0);
          for (let digit = digits; digit < last; digit += 4) {
            const x = v128.swizzle(v128.load(<usize>load<u32>(digit) + from), pattern);
            const k0 = v128.load(key), k1 = v128.load(key, 16);
            l0 = i64x2.add(l0, i64x2.extmul_low_i32x4_u(x, k0));
            h0 = i64x2.add(h0, i64x2.extmul_high_i32x4_u(x, k0));
            l1 = i64x2.add(l1, i64x2.extmul_low_i32x4_u(x, k1));
            h1 = i64x2.add(h1, i64x2.extmul_high_i32x4_u(x, k1));
            // Below 2q plus q / 4: brought below 2q at every digit beyond the eighth.
            if (digit - digits >= 32) {
              l0 = subtractIfAbove(l0, top); h0 = subtractIfAbove(h0, top);
              l1 = subtractIfAbove(l1, top); h1 = subtractIfAbove(h1, top);
            }
            key += 32;
          }
          const a0 = v128.swizzle(v128.load(first + from), pattern);
          // At most 8 products (or corrected to 2q) plus one: th < 3q. The reduction is below 4q.
          let r0 = subtractIfAbove(reduceMontgomery(l0, h0, q, qi), q2);
          r0 = subtractIfAbove(subtractIfAbove(i32x4.add(r0, multiplyShoup(a0, pv, pvs, q)), q2), q);
          const r1 = subtractIfAbove(subtractIfAbove(reduceMontgomery(l1, h1, q, qi), q2), q);
          if (isPlain) addPlainProduct(sum, r0, r1, v128.load(w0 + i), full, top);
          else addProduct(sum, r0, r1, v128.load(w0 + i), v128.load(w1 + i), full, top);
        }
      } else {
        for (let i = tile; i < end; i += 16, sum += width) {
          const r0 = subtractIfAbove(multiplyShoup(v128.load(first + i), pv, pvs, q), q);
          const r1 = subtractIfAbove(multiplyShoup(v128.load(second + i), pv, pvs, q), q);
          if (isPlain) addPlainProduct(sum, r0, r1, v128.load(w0 + i), full, top);
          else addProduct(sum, r0, r1, v128.load(w0 + i), v128.load(w1 + i), full, top);
        }
      }
    }
    let sum = sums;
    for (let i = tile; i < end; i += 16, sum += width) {
      const s0 = reduceMontgomery(subtractIfAbove(v128.load(sum), top), subtractIfAbove(v128.load(sum, 16), top), q, qi);
      const s1 = reduceMontgomery(subtractIfAbove(v128.load(sum, 32), top), subtractIfAbove(v128.load(sum, 48), top), q, qi);
      v128.store(dst + i, subtractIfAbove(subtractIfAbove(s0, q2), q));
      v128.store(dst + distance + i, subtractIfAbove(subtractIfAbove(s1, q2), q));
      if (isPlain) continue;
      const s2 = reduceMontgomery(subtractIfAbove(v128.load(sum, 64), top), subtractIfAbove(v128.load(sum, 80), top), q, qi);
      v128.store(dst + distance * 2 + i, subtractIfAbove(subtractIfAbove(s2, q2), q));
    }
  }
}
