/** Coefficients by rising power: c[0] + c[1]·x + c[2]·x² + … */
export type Polynomial = readonly number[];

/** Value of a polynomial (Horner). */
export function evaluatePolynomial(polynomial: Polynomial, x: number): number {
  let value = 0;
  for (let k = polynomial.length - 1; k >= 0; k--) value = value * x + polynomial[k]!;
  return value;
}

/** p(scale · x + shift) as a polynomial in x. */
export function substitute(polynomial: Polynomial, scale: number, shift: number): number[] {
  let result: number[] = [0];
  for (let k = polynomial.length - 1; k >= 0; k--) {
    const next = new Array<number>(result.length + 1).fill(0);
    result.forEach((coefficient, i) => {
      next[i]! += coefficient * shift;
      next[i + 1]! += coefficient * scale;
    });
    next[0]! += polynomial[k]!;
    result = next;
  }
  return result.slice(0, polynomial.length);
}

/** The polynomial whose derivative this is and that is 0 at 0. */
export function integrate(polynomial: Polynomial): number[] {
  return [0, ...polynomial.map((coefficient, k) => coefficient / (k + 1))];
}

/** Σ c[k]·T_k(x) in powers of x. */
export function fromChebyshev(coefficients: readonly number[]): number[] {
  const sum = new Array<number>(coefficients.length).fill(0);
  let before: number[] = [];
  let current: number[] = [1];
  coefficients.forEach((coefficient, k) => {
    current.forEach((c, i) => {
      sum[i]! += coefficient * c;
    });
    // T_{k+1} = 2x·T_k − T_{k−1}, and T_1 = x.
    const next = [0, ...current.map((c) => (k === 0 ? c : 2 * c))];
    before.forEach((c, i) => {
      next[i]! -= c;
    });
    before = current;
    current = next;
  });
  return sum;
}
