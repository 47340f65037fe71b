/**
 * Modular arithmetic on four 32-bit lanes, for primes q < 2^30.
 *
 * Ranges are part of every contract: "canonical" is [0, q), "lazy" is [0, 2q), "loose" is [0, 4q); 4q < 2^32 is
 * why primes stop at 2^30. Vectors named q, q2 hold q and 2q in every lane. Nothing here branches on data.
 */

/** min(x, x − m): canonicalizes x in [0, 2m) to [0, m); without a branch, because x − m wraps above x when x < m. */
// @ts-ignore: decorator
@inline
export function subtractIfAbove(x: v128, m: v128): v128 {
  return i32x4.min_u(x, i32x4.sub(x, m));
}

/** floor(x · y / 2^32) in every lane. */
// @ts-ignore: decorator
@inline
export function multiplyHigh(x: v128, y: v128): v128 {
  return v128.shuffle<u32>(i64x2.extmul_low_i32x4_u(x, y), i64x2.extmul_high_i32x4_u(x, y), 1, 3, 5, 7);
}

/**
 * x · w mod q, lazy, for any 32-bit x; w canonical with companion ws = floor(w · 2^32 / q) (Shoup).
 * Correctness: the estimated quotient is at most one too small, so the remainder lies in [0, 2q).
 */
// @ts-ignore: decorator
@inline
export function multiplyShoup(x: v128, w: v128, ws: v128, q: v128): v128 {
  return i32x4.sub(i32x4.mul(x, w), i32x4.mul(multiplyHigh(x, ws), q));
}

/**
 * Montgomery reduction of four 64-bit sums: T · 2^−32 mod q, in (0, th + q] where th is the high word of T.
 * `low` holds T of lanes 0 and 1, `high` of lanes 2 and 3; qInverse is q^−1 mod 2^32.
 * Correctness: T and m·q agree in their low words, so the difference of the high words is exact and no carry is lost.
 */
// @ts-ignore: decorator
@inline
export function reduceMontgomery(low: v128, high: v128, q: v128, qInverse: v128): v128 {
  const tl = v128.shuffle<u32>(low, high, 0, 2, 4, 6);
  const th = v128.shuffle<u32>(low, high, 1, 3, 5, 7);
  return i32x4.add(i32x4.sub(th, multiplyHigh(i32x4.mul(tl, qInverse), q)), q);
}

/** The vector (0, m, 0, m): what {@link subtractIfAbove} takes from the high words of 64-bit sums. */
// @ts-ignore: decorator
@inline
export function highWords(m: u32): v128 {
  return i64x2.splat((<i64>m) << 32);
}
