/**
 * Exact changes of RNS base. An integer known modulo k primes p₀ … p_(k−1) (coefficient form) is first written in mixed radix,
 * v = y₀ + y₁·p₀ + y₂·p₀·p₁ + …, and then reduced modulo any other prime. Exact, without floating point; for k = 1 it is SEAL's
 * method. Division by p₀ ⋯ p_(k−1) rounds to nearest, because half of the product was added before (and is taken away here).
 */
import { requireBelow } from './contracts';
import { multiplyShoup, subtractIfAbove } from './modular';
import { forward, inverse } from './ntt';
import { degree, modulus, oneCompanion } from './prime';

/**
 * dst = inverse transform of src, plus one constant (canonical; 0 for none) to every coefficient.
 */
export function inverseAdd(dst: usize, src: usize, constant: u32, prime: usize): void {
  inverse(dst, src, prime);
  if (constant == 0) return;
  const q = i32x4.splat(modulus(prime)), c = i32x4.splat(constant);
  const end = dst + (<usize>degree(prime) << 2);
  while (dst < end) {
    v128.store(dst, subtractIfAbove(i32x4.add(v128.load(dst), c), q));
    dst += 16;
  }
}

/**
 * Residues to mixed-radix digits, in place. `limbs`: k addresses; `primes`: k prime records; `inverses`: for i = 1 … k − 1
 * and j < i the pair (p_j^−1 mod p_i, companion).
 */
export function mixedRadix(limbs: usize, k: u32, primes: usize, inverses: usize): void {
  const bytes = <usize>degree(load<u32>(primes)) << 2;
  for (let i: u32 = 1; i < k; i++) {
    const p = load<u32>(primes + (<usize>i << 2));
    const q = i32x4.splat(modulus(p));
    const one = i32x4.splat(1), ones = i32x4.splat(oneCompanion(p));
    const y = <usize>load<u32>(limbs + (<usize>i << 2));
    for (let j: u32 = 0; j < i; j++) {
      const w = v128.load32_splat(inverses), ws = v128.load32_splat(inverses, 4);
      const x = <usize>load<u32>(limbs + (<usize>j << 2));
      for (let at: usize = 0; at < bytes; at += 16) {
        // y_j reduced is lazy; y + 2q − y_j stays below 3q.
        const other = multiplyShoup(v128.load(x + at), one, ones, q);
        const difference = i32x4.add(i32x4.sub(v128.load(y + at), other), i32x4.add(q, q));
        v128.store(y + at, subtractIfAbove(multiplyShoup(difference, w, ws, q), q));
      }
      inverses += 8;
    }
  }
}

/** dst = Σ y_i · f_i + offset modulo the prime, loose; `factors`: offset (canonical), then k pairs (f_i, companion). */
function fromMixedRadix(dst: usize, limbs: usize, k: u32, factors: usize, prime: usize): void {
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1);
  const offset = v128.load32_splat(factors);
  const bytes = <usize>degree(prime) << 2;
  if (k == 1) {
    const x = <usize>load<u32>(limbs);
    const f = v128.load32_splat(factors, 4), fs = v128.load32_splat(factors, 8);
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(dst + at, i32x4.add(multiplyShoup(v128.load(x + at), f, fs, q), offset));
    }
    return;
  }
  for (let at: usize = 0; at < bytes; at += 16) {
    let sum = offset;
    let f = factors + 4;
    for (let i: u32 = 0; i < k; i++) {
      const y = v128.load(<usize>load<u32>(limbs + (<usize>i << 2)) + at);
      sum = i32x4.add(subtractIfAbove(sum, q2), multiplyShoup(y, v128.load32_splat(f), v128.load32_splat(f, 4), q));
      f += 8;
    }
    v128.store(dst + at, sum);
  }
}

/**
 * dst = forward transform of a mixed-radix value modulo `prime`.
 * `direct` ≠ 0 (only for k = 1, where p₀ < 3q): value plus offset is loose as it is and needs no reduction before the transform.
 */
export function convertForward(dst: usize, limbs: usize, k: u32, factors: usize, direct: u32, prime: usize): void {
  if (direct) {
    forward(dst, load<u32>(limbs), load<u32>(factors), prime);
    return;
  }
  fromMixedRadix(dst, limbs, k, factors, prime);
  forward(dst, dst, 0, prime);
}

/**
 * dst = (src − v) · inverse + addend: one limb of an exact division. v is the mixed-radix value with its half taken away by the offset
 * in `factors`; `inverse` is that of the divisor. src, addend (0: none) and dst in NTT form; dst is neither src nor addend.
 */
export function divide(dst: usize, src: usize, limbs: usize, k: u32, factors: usize, direct: u32, inverse: u32, inverseCompanion: u32, addend: usize, prime: usize): void {
  requireBelow(src, 1, prime);
  if (addend) requireBelow(addend, 1, prime);
  convertForward(dst, limbs, k, factors, direct, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1);
  const w = i32x4.splat(inverse), ws = i32x4.splat(inverseCompanion);
  const end = dst + (<usize>degree(prime) << 2);
  if (addend == 0) {
    while (dst < end) {
      const difference = i32x4.add(i32x4.sub(v128.load(src), v128.load(dst)), q);
      v128.store(dst, subtractIfAbove(multiplyShoup(difference, w, ws, q), q));
      dst += 16; src += 16;
    }
    return;
  }
  while (dst < end) {
    const difference = i32x4.add(i32x4.sub(v128.load(src), v128.load(dst)), q);
    const r = i32x4.add(multiplyShoup(difference, w, ws, q), v128.load(addend));
    v128.store(dst, subtractIfAbove(subtractIfAbove(r, q2), q));
    dst += 16; src += 16; addend += 16;
  }
}
