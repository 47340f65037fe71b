/**
 * Negacyclic number-theoretic transform in SEAL's order: output j is the polynomial at ψ^(2·bitreverse(j) + 1).
 *
 * Forward: Cooley–Tukey with Harvey's lazy butterflies (loose values), two stages a pass (radix 4), the last three
 * stages in registers on eight neighbours. Inverse: Gentleman–Sande, the same passes backwards.
 */
import { requireBelow } from './contracts';
import { multiplyShoup, subtractIfAbove } from './modular';
import {
  degree, inverseDegree, inverseDegreeCompanion, inverseRootCompanions, inverseRoots, lastRoot, lastRootCompanion,
  logDegree, modulus, rootCompanions, roots,
} from './prime';

/** The first forward stage, `half` = distance in bytes; offset is added to every value before. Loose to loose. */
function forwardRadix2(dst: usize, src: usize, half: usize, w: usize, ws: usize, offset: v128, q: v128, q2: v128): void {
  const wv = v128.load32_splat(w, 4), wsv = v128.load32_splat(ws, 4);
  const end = src + half;
  while (src < end) {
    const x = subtractIfAbove(i32x4.add(v128.load(src), offset), q2);
    const t = multiplyShoup(i32x4.add(v128.load(src + half), offset), wv, wsv, q);
    v128.store(dst, i32x4.add(x, t));
    v128.store(dst + half, i32x4.add(i32x4.sub(x, t), q2));
    src += 16;
    dst += 16;
  }
}

/** Stands for true or false as a type argument: a branch on it is decided when the kernel is compiled. */
type Yes = u32;
type No = u8;

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
      const y2 = i32x4.add(i32x4.sub(x0, t2), q2);
      const y3 = i32x4.add(i32x4.sub(x1, t3), q2);
      x0 = subtractIfAbove(i32x4.add(x0, t2), q2);
      const t1 = multiplyShoup(i32x4.add(x1, t3), w2, w2s, q);
      v128.store(d, i32x4.add(x0, t1));
      v128.store(d + quarter, i32x4.add(i32x4.sub(x0, t1), q2));
      const z2 = subtractIfAbove(y2, q2);
      const u3 = multiplyShoup(y3, w3, w3s, q);
      v128.store(d + quarter * 2, i32x4.add(z2, u3));
      v128.store(d + quarter * 3, i32x4.add(i32x4.sub(z2, u3), q2));
      s += 16;
      d += 16;
    }
  }
}

/** The last three stages, eight neighbours at a time. In: loose. Out: canonical. */
function forwardTail(a: usize, n: u32, w: usize, ws: usize, q: v128, q2: v128): void {
  const blocks = n >> 3;
  let w4 = w + (blocks << 2), w4s = ws + (blocks << 2);
  let w2 = w + (n >> 2 << 2), w2s = ws + (n >> 2 << 2);
  let w1 = w + (n >> 1 << 2), w1s = ws + (n >> 1 << 2);
  const end = a + (<usize>n << 2);
  while (a < end) {
    const x = subtractIfAbove(v128.load(a), q2);
    const t = multiplyShoup(v128.load(a, 16), v128.load32_splat(w4), v128.load32_splat(w4s), q);
    const p = i32x4.add(x, t);
    const r = i32x4.add(i32x4.sub(x, t), q2);
    // Distance 2: (p0 p1 r0 r1) with (p2 p3 r2 r3), roots (wp wp wr wr).
    const x2 = subtractIfAbove(v128.shuffle<u64>(p, r, 0, 2), q2);
    const v2 = v128.load64_zero(w2), v2s = v128.load64_zero(w2s);
    const t2 = multiplyShoup(v128.shuffle<u64>(p, r, 1, 3), v128.shuffle<u32>(v2, v2, 0, 0, 1, 1), v128.shuffle<u32>(v2s, v2s, 0, 0, 1, 1), q);
    const s2 = i32x4.add(x2, t2);
    const d2 = i32x4.add(i32x4.sub(x2, t2), q2);
    // Distance 1: even against odd neighbours, in the order p01 r01 p23 r23.
    const x1 = subtractIfAbove(v128.shuffle<u32>(s2, d2, 0, 2, 4, 6), q2);
    const v1 = v128.load(w1), v1s = v128.load(w1s);
    const t1 = multiplyShoup(v128.shuffle<u32>(s2, d2, 1, 3, 5, 7), v128.shuffle<u32>(v1, v1, 0, 2, 1, 3), v128.shuffle<u32>(v1s, v1s, 0, 2, 1, 3), q);
    const even = subtractIfAbove(subtractIfAbove(i32x4.add(x1, t1), q2), q);
    const odd = subtractIfAbove(subtractIfAbove(i32x4.add(i32x4.sub(x1, t1), q2), q2), q);
    v128.store(a, v128.shuffle<u32>(even, odd, 0, 4, 2, 6));
    v128.store(a, v128.shuffle<u32>(even, odd, 1, 5, 3, 7), 16);
    a += 32;
    w4 += 4; w4s += 4;
    w2 += 8; w2s += 8;
    w1 += 16; w1s += 16;
  }
}

/**
 * Forward transform of N coefficients from src to dst (may be the same), `offset` added to each before.
 * In: value + offset loose, that is below 4q. Out: canonical.
 */
export function forward(dst: usize, src: usize, offset32: u32, prime: usize): void {
  // Values and offset together; an offset is canonical.
  requireBelow(src, offset32 == 0 ? 4 : 3, prime);
  assert(offset32 < modulus(prime), 'offset out of range');
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1), offset = i32x4.splat(offset32);
  const w = roots(prime), ws = rootCompanions(prime);
  const logN = logDegree(prime);
  let stage: u32 = 0;
  if ((logN - 3) & 1) {
    forwardRadix2(dst, src, <usize>2 << logN, w, ws, offset, q, q2);
    stage = 1;
  } else {
    forwardRadix4<Yes>(dst, src, 1, <usize>1 << logN, w, ws, offset, q, q2);
    stage = 2;
  }
  while (stage < logN - 3) {
    forwardRadix4<No>(dst, dst, 1 << stage, <usize>1 << (logN - stage), w, ws, offset, q, q2);
    stage += 2;
  }
  forwardTail(dst, degree(prime), w, ws, q, q2);
  requireBelow(dst, 1, prime);
}

/** The first three inverse stages. In: lazy. Out: lazy. */
function inverseHead(dst: usize, src: usize, n: u32, w: usize, ws: usize, q: v128, q2: v128): void {
  let w4 = w + (n >> 3 << 2), w4s = ws + (n >> 3 << 2);
  let w2 = w + (n >> 2 << 2), w2s = ws + (n >> 2 << 2);
  let w1 = w + (n >> 1 << 2), w1s = ws + (n >> 1 << 2);
  const end = src + (<usize>n << 2);
  while (src < end) {
    const a = v128.load(src), b = v128.load(src, 16);
    const even = v128.shuffle<u32>(a, b, 0, 4, 2, 6), odd = v128.shuffle<u32>(a, b, 1, 5, 3, 7);
    const v1 = v128.load(w1), v1s = v128.load(w1s);
    const s1 = subtractIfAbove(i32x4.add(even, odd), q2);
    const d1 = multiplyShoup(i32x4.add(i32x4.sub(even, odd), q2), v128.shuffle<u32>(v1, v1, 0, 2, 1, 3), v128.shuffle<u32>(v1s, v1s, 0, 2, 1, 3), q);
    // s1 = (a0 b0 a2 b2), d1 = (a1 b1 a3 b3)
    const x2 = v128.shuffle<u32>(s1, d1, 0, 4, 1, 5), y2 = v128.shuffle<u32>(s1, d1, 2, 6, 3, 7);
    const v2 = v128.load64_zero(w2), v2s = v128.load64_zero(w2s);
    const s2 = subtractIfAbove(i32x4.add(x2, y2), q2);
    const d2 = multiplyShoup(i32x4.add(i32x4.sub(x2, y2), q2), v128.shuffle<u32>(v2, v2, 0, 0, 1, 1), v128.shuffle<u32>(v2s, v2s, 0, 0, 1, 1), q);
    // s2 = (a0 a1 b0 b1), d2 = (a2 a3 b2 b3)
    const x4 = v128.shuffle<u64>(s2, d2, 0, 2), y4 = v128.shuffle<u64>(s2, d2, 1, 3);
    v128.store(dst, subtractIfAbove(i32x4.add(x4, y4), q2));
    v128.store(dst, multiplyShoup(i32x4.add(i32x4.sub(x4, y4), q2), v128.load32_splat(w4), v128.load32_splat(w4s), q), 16);
    src += 32; dst += 32;
    w4 += 4; w4s += 4;
    w2 += 8; w2s += 8;
    w1 += 16; w1s += 16;
  }
}

/** Two inverse stages: distance quarter, then 2·quarter (bytes); m blocks of four quarters. Lazy to lazy. */
function inverseRadix4(a: usize, m: u32, quarter: usize, w: usize, ws: usize, q: v128, q2: v128): void {
  for (let block: u32 = 0; block < m; block++) {
    const n1 = (m + block) << 2;
    const w1 = v128.load32_splat(w + n1), w1s = v128.load32_splat(ws + n1);
    const w2 = v128.load32_splat(w + (n1 << 1)), w2s = v128.load32_splat(ws + (n1 << 1));
    const w3 = v128.load32_splat(w + (n1 << 1), 4), w3s = v128.load32_splat(ws + (n1 << 1), 4);
    let p = a + <usize>block * quarter * 4;
    const end = p + quarter;
    while (p < end) {
      const x0 = v128.load(p), x1 = v128.load(p + quarter), x2 = v128.load(p + quarter * 2), x3 = v128.load(p + quarter * 3);
      const s0 = subtractIfAbove(i32x4.add(x0, x1), q2);
      const s1 = multiplyShoup(i32x4.add(i32x4.sub(x0, x1), q2), w2, w2s, q);
      const s2 = subtractIfAbove(i32x4.add(x2, x3), q2);
      const s3 = multiplyShoup(i32x4.add(i32x4.sub(x2, x3), q2), w3, w3s, q);
      v128.store(p, subtractIfAbove(i32x4.add(s0, s2), q2));
      v128.store(p + quarter, subtractIfAbove(i32x4.add(s1, s3), q2));
      v128.store(p + quarter * 2, multiplyShoup(i32x4.add(i32x4.sub(s0, s2), q2), w1, w1s, q));
      v128.store(p + quarter * 3, multiplyShoup(i32x4.add(i32x4.sub(s1, s3), q2), w1, w1s, q));
      p += 16;
    }
  }
}

/** The last one or two inverse stages with the factor N^−1. Lazy to canonical. */
function inverseLast(a: usize, prime: usize, two: bool, q: v128, q2: v128): void {
  const n = degree(prime);
  const ni = i32x4.splat(inverseDegree(prime)), nis = i32x4.splat(inverseDegreeCompanion(prime));
  const w1 = i32x4.splat(lastRoot(prime)), w1s = i32x4.splat(lastRootCompanion(prime));
  const end = a + (<usize>n << (two ? 0 : 1));
  if (!two) {
    const half = <usize>n << 1;
    while (a < end) {
      const x = v128.load(a), y = v128.load(a + half);
      v128.store(a, subtractIfAbove(multiplyShoup(i32x4.add(x, y), ni, nis, q), q));
      v128.store(a + half, subtractIfAbove(multiplyShoup(i32x4.add(i32x4.sub(x, y), q2), w1, w1s, q), q));
      a += 16;
    }
    return;
  }
  const quarter = <usize>n;
  const w = inverseRoots(prime), ws = inverseRootCompanions(prime);
  const w2 = v128.load32_splat(w, 8), w2s = v128.load32_splat(ws, 8);
  const w3 = v128.load32_splat(w, 12), w3s = v128.load32_splat(ws, 12);
  while (a < end) {
    const x0 = v128.load(a), x1 = v128.load(a + quarter), x2 = v128.load(a + quarter * 2), x3 = v128.load(a + quarter * 3);
    const s0 = subtractIfAbove(i32x4.add(x0, x1), q2);
    const s1 = multiplyShoup(i32x4.add(i32x4.sub(x0, x1), q2), w2, w2s, q);
    const s2 = subtractIfAbove(i32x4.add(x2, x3), q2);
    const s3 = multiplyShoup(i32x4.add(i32x4.sub(x2, x3), q2), w3, w3s, q);
    v128.store(a, subtractIfAbove(multiplyShoup(i32x4.add(s0, s2), ni, nis, q), q));
    v128.store(a + quarter, subtractIfAbove(multiplyShoup(i32x4.add(s1, s3), ni, nis, q), q));
    v128.store(a + quarter * 2, subtractIfAbove(multiplyShoup(i32x4.add(i32x4.sub(s0, s2), q2), w1, w1s, q), q));
    v128.store(a + quarter * 3, subtractIfAbove(multiplyShoup(i32x4.add(i32x4.sub(s1, s3), q2), w1, w1s, q), q));
    a += 16;
  }
}

/** Inverse transform from src to dst (may be the same). In: lazy. Out: canonical. */
export function inverse(dst: usize, src: usize, prime: usize): void {
  requireBelow(src, 2, prime);
  const q32 = modulus(prime);
  const q = i32x4.splat(q32), q2 = i32x4.splat(q32 << 1);
  const w = inverseRoots(prime), ws = inverseRootCompanions(prime);
  const logN = logDegree(prime);
  inverseHead(dst, src, degree(prime), w, ws, q, q2);
  const two = ((logN - 3) & 1) == 0;
  let stage = logN - 3;
  const stop: u32 = two ? 2 : 1;
  while (stage > stop) {
    stage -= 2;
    inverseRadix4(dst, 1 << stage, <usize>1 << (logN - stage), w, ws, q, q2);
  }
  inverseLast(dst, prime, two, q, q2);
  requireBelow(dst, 1, prime);
}
