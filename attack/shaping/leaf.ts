/**
 * A leaf of the secret key s: the {@link LEAF} coefficients s_b, s_(b + N/8), …, s_(b + 7N/8), for a b below N/8.
 *
 * The trace over the rotations by multiples of four slots maps X^(−b)·s to N/8 · Σ_k s_(b + k·N/8)·Y^k with Y = X^(N/8), whose slots repeat with period
 * {@link CLASSES}: slot i holds the value of this polynomial at ω_i = exp(πi·3^i/8).
 */
export const LEAF = 8;
/** Different slots of a leaf. */
export const CLASSES = 4;

/** Real and imaginary part. */
export type Complex = readonly [number, number];
export const ZERO: Complex = [0, 0];

/** ω_c^k for class c and k in [0, 8). */
export function root(slotClass: number, k: number): Complex {
  const angle = (Math.PI * 3 ** (slotClass % CLASSES) * k) / LEAF;
  return [Math.cos(angle), Math.sin(angle)];
}

/** The weights w of the classes with Re Σ_c w_c·M_c = Σ_k row_k·s_k: the slots of a leaf are four conjugate pairs. */
export function weightsOf(row: readonly number[]): Complex[] {
  return Array.from({ length: CLASSES }, (_, slotClass): Complex => {
    let [re, im] = [0, 0];
    row.forEach((factor, k) => {
      const [cos, sin] = root(slotClass, k);
      re += (factor * cos) / CLASSES;
      im -= (factor * sin) / CLASSES;
    });
    return [re, im];
  });
}

/** What these weights of the classes measure: Σ_k row_k·s_k. */
export function rowOf(weights: readonly Complex[]): number[] {
  return Array.from({ length: LEAF }, (_, k) =>
    weights.reduce((sum, [re, im], slotClass) => {
      const [cos, sin] = root(slotClass, k);
      return sum + re * cos - im * sin;
    }, 0),
  );
}
