/**
 * Arithmetic modulo a prime q < 2^30 in plain numbers: the slow twin of the kernel.
 *
 * Why {@link mulMod} is exact: let a, b < q < 2^30 and t = ⌊a·b/q⌋ < 2^30. The float64 product a·b, the reciprocal
 * 1/q and their product each have a relative error of at most 2^-53, so the quotient estimate is off by less than 3 · 2^30 · 2^-53 <
 * 2^-20 before truncation, and truncated it is t − 1, t or t + 1. Hence r = a·b − estimate·q is in
 * [−q, 2q), which lies inside (−2^30, 2^31): the difference of the two low 32-bit halves (`Math.imul`) is r itself, and one
 * correction in either direction makes it canonical.
 *
 * Corrections are made without a branch: a processor cannot predict them, which made transforms four times slower, and operands are
 * often secret.
 */

/** r + q where the 32-bit number r is negative, else r. */
function raise(r: number, q: number): number {
  return (r + (q & (r >> 31))) | 0;
}

/** a·b mod q; a, b in [0, q), q < 2^30. `reciprocal` is 1 / q. */
export function mulMod(a: number, b: number, q: number, reciprocal: number = 1 / q): number {
  const estimate = (a * b * reciprocal) | 0;
  const r = (Math.imul(a, b) - Math.imul(estimate, q)) | 0;
  return raise((raise(r, q) - q) | 0, q);
}

/**
 * a·w mod q with `quotient` = w / q precomputed (Shoup's method in float64); a, w in [0, q), q < 2^30.
 * The estimate a · quotient has two roundings instead of three, so the bound above holds.
 */
export function mulModPrepared(a: number, w: number, quotient: number, q: number): number {
  const estimate = (a * quotient) | 0;
  const r = (Math.imul(a, w) - Math.imul(estimate, q)) | 0;
  return raise((raise(r, q) - q) | 0, q);
}

/** Multiplies residues by 2^32 modulo q, in place. As {@link mulModPrepared}; calls would take five times as long, so there are none. */
export function toMontgomery(residues: Uint32Array, q: number): void {
  const one = 2 ** 32 % q;
  const quotient = one / q;
  for (let i = 0; i < residues.length; i++) {
    const a = residues[i]!;
    const estimate = (a * quotient) | 0;
    let r = (Math.imul(a, one) - Math.imul(estimate, q)) | 0;
    r = (r + (q & (r >> 31)) - q) | 0;
    residues[i] = (r + (q & (r >> 31))) | 0;
  }
}

/** a + b mod q; a, b in [0, q). */
export function addMod(a: number, b: number, q: number): number {
  return raise((a + b - q) | 0, q);
}

/** a − b mod q; a, b in [0, q). */
export function subMod(a: number, b: number, q: number): number {
  return raise((a - b) | 0, q);
}

/** base^exponent mod q; base in [0, q), exponent a whole number in [0, 2^53). */
export function powMod(base: number, exponent: number, q: number): number {
  let result = 1;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = mulMod(result, square, q);
    square = mulMod(square, square, q);
  }
  return result;
}

/** The inverse of a modulo the prime q (Fermat); a in [1, q). */
export function invMod(a: number, q: number): number {
  return powMod(a, q - 2, q);
}
