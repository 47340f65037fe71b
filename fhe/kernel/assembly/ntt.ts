/**
 * Negacyclic number-theoretic transform in SEAL's order: output j is the polynomial at ψ^(2·bitreverse(j) + 1).
 *
 * Forward: Cooley–Tukey with Harvey's lazy butterflies (loose values), three stages a pass (radix 8; radix 4 where log2 N − 4 is no
 * multiple of three), the last four stages on sixteen neighbours in registers. Inverse: Gentleman–Sande, the same passes backwards.
 *
 * The loops are bound by vector operations (14.5 a butterfly of four lanes, of which extmul's unpacking of a constant, which V8 repeats, is two). Against
 * two stages a pass and three in registers: 10 to 16 % faster. Interleaving two multiplications by hand: no difference.
 */
import { requireBelow } from './contracts';
import { multiplyShoup, subtractIfAbove } from './modular';
import {
  degree, inverseDegree, inverseDegreeCompanion, inverseRootCompanions, inverseRoots, lastRoot, lastRootCompanion,
  logDegree, modulus, rootCompanions, roots,
} from './prime';

/** Stands for true or false as a type argument: a branch on it is decided when the kernel is compiled. */
type Yes = u32;
type No = u8;

/** A difference d = x − y of lazy values, wrapped where negative, as a lazy value. */
// @ts-ignore: decorator
@inline
function lift(d: v128, q2: v128): v128 {
  return i32x4.min_u(d, i32x4.add(d, q2));
}

/**
 * Two forward stages: distances 2·quarter, then quarter (bytes); m blocks of four quarters. Loose to loose.
 * Only the first pass (`First` = Yes) adds the offset: measured 5 % of a transform elsewhere.
 */
function forwardRadix4<First>(dst: usize, src: usize, m: u32, quarter: usize, w: usize, ws: usize, offset: v128, q: v128, q2: v128): void {
  for (let block: u32 = 0; block < m; block++) {
    const n1 = (m + block) << 2;
    const w1 = v128.load32_splat(w + n1), w1s = v128.load32_splat(ws + n1);
    const w2 = v128.load32_splat(w + (n1 << 1)), w2s = v128.load32_splat(ws + (n1 << 1));
    const w3 = v128.load32_splat(w + (n1 << 1), 4), w3s = v128.load32_splat(ws + (n1 << 1), 4);
    let s = src + <usize>block * quarter * 4;
    let d = dst + <usize>block * quarter * 4;
    const end = s + quarter;
    while (s < end) {
      let x0 = v128.load(s), x1 = v128.load(s + quarter), x2 = v128.load(s + quarter * 2), x3 = v128.load(s + quarter * 3);
      if (sizeof<First>() == sizeof<Yes>()) {
        x0 = i32x4.add(x0, offset);
        x1 = i32x4.add(x1, offset);
        x2 = i32x4.add(x2, offset);
        x3 = i32x4.add(x3, offset);
      }
      x0 = subtractIfAbove(x0, q2);
      x1 = subtractIfAbove(x1, q2);
      const t2 = multiplyShoup(x2, w1, w1s, q);
      const t3 = multiplyShoup(x3, w1, w1s, q);
      const y3 = i32x4.add(i32x4.sub(x1, t3), q2);
      const z2 = lift(i32x4.sub(x0, t2), q2);
      x0 = subtractIfAbove(i32x4.add(x0, t2), q2);
      const t1 = multiplyShoup(i32x4.add(x1, t3), w2, w2s, q);
      v128.store(d, i32x4.add(x0, t1));
      v128.store(d + quarter, i32x4.add(i32x4.sub(x0, t1), q2));
      const u3 = multiplyShoup(y3, w3, w3s, q);
      v128.store(d + quarter * 2, i32x4.add(z2, u3));
      v128.store(d + quarter * 3, i32x4.add(i32x4.sub(z2, u3), q2));
      s += 16;
      d += 16;
    }
  }
}

/** Three forward stages: distances 4·eighth, 2·eighth, eighth (bytes); m blocks of eight. Loose to loose; offset as in {@link forwardRadix4}. */
function forwardRadix8<First>(dst: usize, src: usize, m: u32, eighth: usize, w: usize, ws: usize, offset: v128, q: v128, q2: v128): void {
  for (let block: u32 = 0; block < m; block++) {
    const n1 = (m + block) << 2, n2 = n1 << 1, n4 = n1 << 2;
    const w1 = v128.load32_splat(w + n1), w1s = v128.load32_splat(ws + n1);
    const w2 = v128.load32_splat(w + n2), w2s = v128.load32_splat(ws + n2);
    const w3 = v128.load32_splat(w + n2, 4), w3s = v128.load32_splat(ws + n2, 4);
    const w4 = v128.load32_splat(w + n4), w4s = v128.load32_splat(ws + n4);
    const w5 = v128.load32_splat(w + n4, 4), w5s = v128.load32_splat(ws + n4, 4);
    const w6 = v128.load32_splat(w + n4, 8), w6s = v128.load32_splat(ws + n4, 8);
    const w7 = v128.load32_splat(w + n4, 12), w7s = v128.load32_splat(ws + n4, 12);
    let s = src + <usize>block * eighth * 8;
    let d = dst + <usize>block * eighth * 8;
    const end = s + eighth;
    const e2 = eighth << 1, e3 = eighth + e2, e4 = eighth << 2;
    while (s < end) {
      let r = s + e4;
      let x0 = v128.load(s), x1 = v128.load(s + eighth), x2 = v128.load(s + e2), x3 = v128.load(s + e3);
      let x4 = v128.load(r), x5 = v128.load(r + eighth), x6 = v128.load(r + e2), x7 = v128.load(r + e3);
      if (sizeof<First>() == sizeof<Yes>()) {
        x0 = i32x4.add(x0, offset); x1 = i32x4.add(x1, offset); x2 = i32x4.add(x2, offset); x3 = i32x4.add(x3, offset);
        x4 = i32x4.add(x4, offset); x5 = i32x4.add(x5, offset); x6 = i32x4.add(x6, offset); x7 = i32x4.add(x7, offset);
      }
      let t: v128, u: v128;
      x0 = subtractIfAbove(x0, q2); x2 = subtractIfAbove(x2, q2);
      t = multiplyShoup(x4, w1, w1s, q);
      u = multiplyShoup(x6, w1, w1s, q);
      x4 = lift(i32x4.sub(x0, t), q2);
      x0 = subtractIfAbove(i32x4.add(x0, t), q2);
      x6 = i32x4.add(i32x4.sub(x2, u), q2);
      x2 = i32x4.add(x2, u);
      x1 = subtractIfAbove(x1, q2); x3 = subtractIfAbove(x3, q2);
      t = multiplyShoup(x5, w1, w1s, q);
      u = multiplyShoup(x7, w1, w1s, q);
      x5 = lift(i32x4.sub(x1, t), q2);
      x1 = subtractIfAbove(i32x4.add(x1, t), q2);
      x7 = i32x4.add(i32x4.sub(x3, u), q2);
      x3 = i32x4.add(x3, u);
      t = multiplyShoup(x2, w2, w2s, q);
      u = multiplyShoup(x3, w2, w2s, q);
      x2 = lift(i32x4.sub(x0, t), q2);
      x0 = subtractIfAbove(i32x4.add(x0, t), q2);
      x3 = i32x4.add(i32x4.sub(x1, u), q2);
      x1 = i32x4.add(x1, u);
      t = multiplyShoup(x1, w4, w4s, q);
      u = multiplyShoup(x3, w5, w5s, q);
      v128.store(d, i32x4.add(x0, t));
      v128.store(d + eighth, i32x4.add(i32x4.sub(x0, t), q2));
      v128.store(d + e2, i32x4.add(x2, u));
      v128.store(d + e3, i32x4.add(i32x4.sub(x2, u), q2));
      r = d + e4;
      t = multiplyShoup(x6, w3, w3s, q);
      u = multiplyShoup(x7, w3, w3s, q);
      x6 = lift(i32x4.sub(x4, t), q2);
      x4 = subtractIfAbove(i32x4.add(x4, t), q2);
      x7 = i32x4.add(i32x4.sub(x5, u), q2);
      x5 = i32x4.add(x5, u);
      t = multiplyShoup(x5, w6, w6s, q);
      u = multiplyShoup(x7, w7, w7s, q);
      v128.store(r, i32x4.add(x4, t));
      v128.store(r + eighth, i32x4.add(i32x4.sub(x4, t), q2));
      v128.store(r + e2, i32x4.add(x6, u));
      v128.store(r + e3, i32x4.add(i32x4.sub(x6, u), q2));
      s += 16;
      d += 16;
    }
  }
}

/** The last four stages on sixteen neighbours. In: loose. Out: canonical. */
function forwardTail(a: usize, n: u32, w: usize, ws: usize, q: v128, q2: v128): void {
  const blocks = n >> 4;
  let w8 = w + (blocks << 2), w8s = ws + (blocks << 2);
  let w4 = w + (blocks << 3), w4s = ws + (blocks << 3);
  let w2 = w + (n >> 2 << 2), w2s = ws + (n >> 2 << 2);
  let w1 = w + (n >> 1 << 2), w1s = ws + (n >> 1 << 2);
  const end = a + (<usize>n << 2);
  while (a < end) {
    let x0 = v128.load(a), x1 = v128.load(a, 16), x2 = v128.load(a, 32), x3 = v128.load(a, 48);
    let c = v128.load32_splat(w8), cs = v128.load32_splat(w8s);
    let t = multiplyShoup(x2, c, cs, q);
    let u = multiplyShoup(x3, c, cs, q);
    x0 = subtractIfAbove(x0, q2);
    x1 = subtractIfAbove(x1, q2);
    x2 = lift(i32x4.sub(x0, t), q2);
    x0 = subtractIfAbove(i32x4.add(x0, t), q2);
    x3 = i32x4.add(i32x4.sub(x1, u), q2);
    x1 = i32x4.add(x1, u);
    t = multiplyShoup(x1, v128.load32_splat(w4), v128.load32_splat(w4s), q);
    u = multiplyShoup(x3, v128.load32_splat(w4, 4), v128.load32_splat(w4s, 4), q);
    const a0 = i32x4.add(x0, t), a1 = i32x4.add(i32x4.sub(x0, t), q2);
    const a2 = i32x4.add(x2, u), a3 = i32x4.add(i32x4.sub(x2, u), q2);
    let p = v128.shuffle<u32>(a0, a1, 0, 4, 1, 5), r = v128.shuffle<u32>(a2, a3, 0, 4, 1, 5);
    x0 = v128.shuffle<u64>(p, r, 0, 2);
    x1 = v128.shuffle<u64>(p, r, 1, 3);
    p = v128.shuffle<u32>(a0, a1, 2, 6, 3, 7);
    r = v128.shuffle<u32>(a2, a3, 2, 6, 3, 7);
    x2 = v128.shuffle<u64>(p, r, 0, 2);
    x3 = v128.shuffle<u64>(p, r, 1, 3);
    c = v128.load(w2); cs = v128.load(w2s);
    t = multiplyShoup(x2, c, cs, q);
    u = multiplyShoup(x3, c, cs, q);
    x0 = subtractIfAbove(x0, q2);
    x1 = subtractIfAbove(x1, q2);
    x2 = lift(i32x4.sub(x0, t), q2);
    x0 = subtractIfAbove(i32x4.add(x0, t), q2);
    x3 = i32x4.add(i32x4.sub(x1, u), q2);
    x1 = i32x4.add(x1, u);
    const f = v128.load(w1), g = v128.load(w1, 16), fs = v128.load(w1s), gs = v128.load(w1s, 16);
    t = multiplyShoup(x1, v128.shuffle<u32>(f, g, 0, 2, 4, 6), v128.shuffle<u32>(fs, gs, 0, 2, 4, 6), q);
    u = multiplyShoup(x3, v128.shuffle<u32>(f, g, 1, 3, 5, 7), v128.shuffle<u32>(fs, gs, 1, 3, 5, 7), q);
    x1 = subtractIfAbove(lift(i32x4.sub(x0, t), q2), q);
    x0 = subtractIfAbove(subtractIfAbove(i32x4.add(x0, t), q2), q);
    x3 = subtractIfAbove(lift(i32x4.sub(x2, u), q2), q);
    x2 = subtractIfAbove(subtractIfAbove(i32x4.add(x2, u), q2), q);
    p = v128.shuffle<u32>(x0, x1, 0, 4, 1, 5); r = v128.shuffle<u32>(x2, x3, 0, 4, 1, 5);
    v128.store(a, v128.shuffle<u64>(p, r, 0, 2));
    v128.store(a, v128.shuffle<u64>(p, r, 1, 3), 16);
    p = v128.shuffle<u32>(x0, x1, 2, 6, 3, 7);
    r = v128.shuffle<u32>(x2, x3, 2, 6, 3, 7);
    v128.store(a, v128.shuffle<u64>(p, r, 0, 2), 32);
    v128.store(a, v128.shuffle<u64>(p, r, 1, 3), 48);
    a += 64;
    w8 += 4; w8s += 4;
    w4 += 8; w4s += 8;
    w2 += 16; w2s += 16;
    w1 += 32; w1s += 32;
  }
}

/**
 * Forward transform of N coefficients from src to dst (may be the same), `offset` added to each before.
 * In: value + offset loose, that is below 4q. Out: canonical. N ≥ 64.
 */
export function forward(dst: usize, src: usize, offset32: u32, prime: usize): void {
  // Values and offset together; an offset is canonical.
  requireBelow(src, offset32 == 0 ? 4 : 3, prime);
  assert(offset32 < modulus(prime), 'offset out of range');
  assert(logDegree(prime) >= 6, 'N too small');
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1), offset = i32x4.splat(offset32);
  const w = roots(prime), ws = rootCompanions(prime);
  const logN = logDegree(prime);
  const rest = (logN - 4) % 3;
  let stage: u32 = rest == 0 ? 3 : rest == 2 ? 2 : 4;
  if (rest == 0) {
    forwardRadix8<Yes>(dst, src, 1, <usize>1 << (logN - 1), w, ws, offset, q, q2);
  } else {
    forwardRadix4<Yes>(dst, src, 1, <usize>1 << logN, w, ws, offset, q, q2);
    if (rest == 1) forwardRadix4<No>(dst, dst, 4, <usize>1 << (logN - 2), w, ws, offset, q, q2);
  }
  while (stage < logN - 4) {
    forwardRadix8<No>(dst, dst, 1 << stage, <usize>1 << (logN - 1 - stage), w, ws, offset, q, q2);
    stage += 3;
  }
  forwardTail(dst, degree(prime), w, ws, q, q2);
  requireBelow(dst, 1, prime);
}

/** Sum of two lazy values, lazy. */
// @ts-ignore: decorator
@inline
function addLazy(x: v128, y: v128, q2: v128): v128 {
  return subtractIfAbove(i32x4.add(x, y), q2);
}

/** Difference of two lazy values, loose. */
// @ts-ignore: decorator
@inline
function subtractLazy(x: v128, y: v128, q2: v128): v128 {
  return i32x4.add(i32x4.sub(x, y), q2);
}

/** The first four inverse stages on sixteen neighbours. In: lazy. Out: lazy. */
function inverseHead(dst: usize, src: usize, n: u32, w: usize, ws: usize, q: v128, q2: v128): void {
  let w8 = w + (n >> 4 << 2), w8s = ws + (n >> 4 << 2);
  let w4 = w + (n >> 3 << 2), w4s = ws + (n >> 3 << 2);
  let w2 = w + (n >> 2 << 2), w2s = ws + (n >> 2 << 2);
  let w1 = w + (n >> 1 << 2), w1s = ws + (n >> 1 << 2);
  const end = src + (<usize>n << 2);
  while (src < end) {
    const a0 = v128.load(src), a1 = v128.load(src, 16), a2 = v128.load(src, 32), a3 = v128.load(src, 48);
    let p = v128.shuffle<u32>(a0, a1, 0, 4, 1, 5), r = v128.shuffle<u32>(a2, a3, 0, 4, 1, 5);
    let x0 = v128.shuffle<u64>(p, r, 0, 2), x1 = v128.shuffle<u64>(p, r, 1, 3);
    p = v128.shuffle<u32>(a0, a1, 2, 6, 3, 7);
    r = v128.shuffle<u32>(a2, a3, 2, 6, 3, 7);
    let x2 = v128.shuffle<u64>(p, r, 0, 2), x3 = v128.shuffle<u64>(p, r, 1, 3);
    const f = v128.load(w1), g = v128.load(w1, 16), fs = v128.load(w1s), gs = v128.load(w1s, 16);
    let s = addLazy(x0, x1, q2), t = addLazy(x2, x3, q2);
    x1 = multiplyShoup(subtractLazy(x0, x1, q2), v128.shuffle<u32>(f, g, 0, 2, 4, 6), v128.shuffle<u32>(fs, gs, 0, 2, 4, 6), q);
    x3 = multiplyShoup(subtractLazy(x2, x3, q2), v128.shuffle<u32>(f, g, 1, 3, 5, 7), v128.shuffle<u32>(fs, gs, 1, 3, 5, 7), q);
    let c = v128.load(w2), cs = v128.load(w2s);
    x0 = addLazy(s, t, q2);
    x2 = multiplyShoup(subtractLazy(s, t, q2), c, cs, q);
    s = addLazy(x1, x3, q2);
    x3 = multiplyShoup(subtractLazy(x1, x3, q2), c, cs, q);
    x1 = s;
    p = v128.shuffle<u32>(x0, x1, 0, 4, 1, 5);
    r = v128.shuffle<u32>(x2, x3, 0, 4, 1, 5);
    const b0 = v128.shuffle<u64>(p, r, 0, 2), b1 = v128.shuffle<u64>(p, r, 1, 3);
    p = v128.shuffle<u32>(x0, x1, 2, 6, 3, 7);
    r = v128.shuffle<u32>(x2, x3, 2, 6, 3, 7);
    const b2 = v128.shuffle<u64>(p, r, 0, 2), b3 = v128.shuffle<u64>(p, r, 1, 3);
    s = addLazy(b0, b1, q2);
    t = addLazy(b2, b3, q2);
    x1 = multiplyShoup(subtractLazy(b0, b1, q2), v128.load32_splat(w4), v128.load32_splat(w4s), q);
    x3 = multiplyShoup(subtractLazy(b2, b3, q2), v128.load32_splat(w4, 4), v128.load32_splat(w4s, 4), q);
    c = v128.load32_splat(w8);
    cs = v128.load32_splat(w8s);
    v128.store(dst, addLazy(s, t, q2));
    v128.store(dst, multiplyShoup(subtractLazy(s, t, q2), c, cs, q), 32);
    v128.store(dst, addLazy(x1, x3, q2), 16);
    v128.store(dst, multiplyShoup(subtractLazy(x1, x3, q2), c, cs, q), 48);
    src += 64; dst += 64;
    w8 += 4; w8s += 4;
    w4 += 8; w4s += 8;
    w2 += 16; w2s += 16;
    w1 += 32; w1s += 32;
  }
}

/**
 * Three inverse stages: distances eighth, 2·eighth, 4·eighth (bytes); m blocks of eight. Lazy to lazy; the last pass (`Last` = Yes)
 * brings in the factor N^−1 with the roots of its last stage, lazy to canonical.
 */
function inverseRadix8<Last>(a: usize, m: u32, eighth: usize, w: usize, ws: usize, prime: usize, q: v128, q2: v128): void {
  const e2 = eighth << 1, e3 = eighth + e2, e4 = eighth << 2;
  for (let block: u32 = 0; block < m; block++) {
    const n1 = (m + block) << 2, n2 = n1 << 1, n4 = n1 << 2;
    let w1: v128, w1s: v128, ni: v128 = q, nis: v128 = q;
    if (sizeof<Last>() == sizeof<Yes>()) {
      w1 = i32x4.splat(lastRoot(prime)); w1s = i32x4.splat(lastRootCompanion(prime));
      ni = i32x4.splat(inverseDegree(prime)); nis = i32x4.splat(inverseDegreeCompanion(prime));
    } else {
      w1 = v128.load32_splat(w + n1); w1s = v128.load32_splat(ws + n1);
    }
    const w2 = v128.load32_splat(w + n2), w2s = v128.load32_splat(ws + n2);
    const w3 = v128.load32_splat(w + n2, 4), w3s = v128.load32_splat(ws + n2, 4);
    const w4 = v128.load32_splat(w + n4), w4s = v128.load32_splat(ws + n4);
    const w5 = v128.load32_splat(w + n4, 4), w5s = v128.load32_splat(ws + n4, 4);
    const w6 = v128.load32_splat(w + n4, 8), w6s = v128.load32_splat(ws + n4, 8);
    const w7 = v128.load32_splat(w + n4, 12), w7s = v128.load32_splat(ws + n4, 12);
    let p = a + <usize>block * eighth * 8;
    const end = p + eighth;
    while (p < end) {
      const r = p + e4;
      let x0 = v128.load(p), x1 = v128.load(p + eighth), x2 = v128.load(p + e2), x3 = v128.load(p + e3);
      let s = addLazy(x0, x1, q2), t = addLazy(x2, x3, q2);
      x1 = multiplyShoup(subtractLazy(x0, x1, q2), w4, w4s, q);
      x3 = multiplyShoup(subtractLazy(x2, x3, q2), w5, w5s, q);
      x0 = addLazy(s, t, q2);
      x2 = multiplyShoup(subtractLazy(s, t, q2), w2, w2s, q);
      s = addLazy(x1, x3, q2);
      x3 = multiplyShoup(subtractLazy(x1, x3, q2), w2, w2s, q);
      x1 = s;
      let x4 = v128.load(r), x5 = v128.load(r + eighth), x6 = v128.load(r + e2), x7 = v128.load(r + e3);
      s = addLazy(x4, x5, q2); t = addLazy(x6, x7, q2);
      x5 = multiplyShoup(subtractLazy(x4, x5, q2), w6, w6s, q);
      x7 = multiplyShoup(subtractLazy(x6, x7, q2), w7, w7s, q);
      x4 = addLazy(s, t, q2);
      x6 = multiplyShoup(subtractLazy(s, t, q2), w3, w3s, q);
      s = addLazy(x5, x7, q2);
      x7 = multiplyShoup(subtractLazy(x5, x7, q2), w3, w3s, q);
      x5 = s;
      if (sizeof<Last>() == sizeof<Yes>()) {
        v128.store(p, subtractIfAbove(multiplyShoup(i32x4.add(x0, x4), ni, nis, q), q));
        v128.store(r, subtractIfAbove(multiplyShoup(subtractLazy(x0, x4, q2), w1, w1s, q), q));
        v128.store(p + eighth, subtractIfAbove(multiplyShoup(i32x4.add(x1, x5), ni, nis, q), q));
        v128.store(r + eighth, subtractIfAbove(multiplyShoup(subtractLazy(x1, x5, q2), w1, w1s, q), q));
        v128.store(p + e2, subtractIfAbove(multiplyShoup(i32x4.add(x2, x6), ni, nis, q), q));
        v128.store(r + e2, subtractIfAbove(multiplyShoup(subtractLazy(x2, x6, q2), w1, w1s, q), q));
        v128.store(p + e3, subtractIfAbove(multiplyShoup(i32x4.add(x3, x7), ni, nis, q), q));
        v128.store(r + e3, subtractIfAbove(multiplyShoup(subtractLazy(x3, x7, q2), w1, w1s, q), q));
      } else {
        v128.store(p, addLazy(x0, x4, q2));
        v128.store(r, multiplyShoup(subtractLazy(x0, x4, q2), w1, w1s, q));
        v128.store(p + eighth, addLazy(x1, x5, q2));
        v128.store(r + eighth, multiplyShoup(subtractLazy(x1, x5, q2), w1, w1s, q));
        v128.store(p + e2, addLazy(x2, x6, q2));
        v128.store(r + e2, multiplyShoup(subtractLazy(x2, x6, q2), w1, w1s, q));
        v128.store(p + e3, addLazy(x3, x7, q2));
        v128.store(r + e3, multiplyShoup(subtractLazy(x3, x7, q2), w1, w1s, q));
      }
      p += 16;
    }
  }
}

/** As {@link inverseRadix8} with two stages: distances quarter, 2·quarter. */
function inverseRadix4<Last>(a: usize, m: u32, quarter: usize, w: usize, ws: usize, prime: usize, q: v128, q2: v128): void {
  const e2 = quarter << 1, e3 = quarter + e2;
  for (let block: u32 = 0; block < m; block++) {
    const n1 = (m + block) << 2;
    let w1: v128, w1s: v128, ni: v128 = q, nis: v128 = q;
    if (sizeof<Last>() == sizeof<Yes>()) {
      w1 = i32x4.splat(lastRoot(prime)); w1s = i32x4.splat(lastRootCompanion(prime));
      ni = i32x4.splat(inverseDegree(prime)); nis = i32x4.splat(inverseDegreeCompanion(prime));
    } else {
      w1 = v128.load32_splat(w + n1); w1s = v128.load32_splat(ws + n1);
    }
    const w2 = v128.load32_splat(w + (n1 << 1)), w2s = v128.load32_splat(ws + (n1 << 1));
    const w3 = v128.load32_splat(w + (n1 << 1), 4), w3s = v128.load32_splat(ws + (n1 << 1), 4);
    let p = a + <usize>block * quarter * 4;
    const end = p + quarter;
    while (p < end) {
      const x0 = v128.load(p), x1 = v128.load(p + quarter), x2 = v128.load(p + e2), x3 = v128.load(p + e3);
      const s0 = addLazy(x0, x1, q2);
      const s2 = addLazy(x2, x3, q2);
      const s1 = multiplyShoup(subtractLazy(x0, x1, q2), w2, w2s, q);
      const s3 = multiplyShoup(subtractLazy(x2, x3, q2), w3, w3s, q);
      if (sizeof<Last>() == sizeof<Yes>()) {
        v128.store(p, subtractIfAbove(multiplyShoup(i32x4.add(s0, s2), ni, nis, q), q));
        v128.store(p + e2, subtractIfAbove(multiplyShoup(subtractLazy(s0, s2, q2), w1, w1s, q), q));
        v128.store(p + quarter, subtractIfAbove(multiplyShoup(i32x4.add(s1, s3), ni, nis, q), q));
        v128.store(p + e3, subtractIfAbove(multiplyShoup(subtractLazy(s1, s3, q2), w1, w1s, q), q));
      } else {
        v128.store(p, addLazy(s0, s2, q2));
        v128.store(p + e2, multiplyShoup(subtractLazy(s0, s2, q2), w1, w1s, q));
        v128.store(p + quarter, addLazy(s1, s3, q2));
        v128.store(p + e3, multiplyShoup(subtractLazy(s1, s3, q2), w1, w1s, q));
      }
      p += 16;
    }
  }
}

/** Inverse transform from src to dst (may be the same). In: lazy. Out: canonical. N ≥ 64. */
export function inverse(dst: usize, src: usize, prime: usize): void {
  requireBelow(src, 2, prime);
  assert(logDegree(prime) >= 6, 'N too small');
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1);
  const w = inverseRoots(prime), ws = inverseRootCompanions(prime);
  const logN = logDegree(prime);
  inverseHead(dst, src, degree(prime), w, ws, q, q2);
  const rest = (logN - 4) % 3;
  const stop: u32 = rest == 0 ? 3 : rest == 2 ? 2 : 4;
  let stage = logN - 4;
  while (stage > stop) {
    stage -= 3;
    inverseRadix8<No>(dst, 1 << stage, <usize>1 << (logN - 1 - stage), w, ws, prime, q, q2);
  }
  if (rest == 0) {
    inverseRadix8<Yes>(dst, 1, <usize>1 << (logN - 1), w, ws, prime, q, q2);
  } else {
    if (rest == 1) inverseRadix4<No>(dst, 4, <usize>1 << (logN - 2), w, ws, prime, q, q2);
    inverseRadix4<Yes>(dst, 1, <usize>1 << logN, w, ws, prime, q, q2);
  }
  requireBelow(dst, 1, prime);
}
