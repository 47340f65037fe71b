import { type Fit, fitChebyshev } from './fits.ts';
import { evaluatePolynomial, substitute } from './polynomial.ts';
import { solve } from './solve.ts';

/** Points of the grid on which extrema are searched. */
const GRID = 2000;
const ROUNDS = 40;

/** The `count` largest alternating extrema of the error, in order; fewer if there are fewer. */
function alternatingExtrema(errors: Float64Array, count: number): number[] {
  const extrema: number[] = [];
  errors.forEach((error, i) => {
    const last = extrema.at(-1);
    if (last === undefined || Math.sign(error) !== Math.sign(errors[last]!)) extrema.push(i);
    else if (Math.abs(error) > Math.abs(errors[last]!)) extrema[extrema.length - 1] = i;
  });
  // Signs alternate; dropping the smaller end keeps them so.
  while (extrema.length > count) {
    const first = Math.abs(errors[extrema[0]!]!);
    const last = Math.abs(errors[extrema.at(-1)!]!);
    if (first < last) extrema.shift();
    else extrema.pop();
  }
  return extrema;
}

/**
 * The polynomial with the smallest largest error on the range (Remez exchange on a grid): no other polynomial of the degree has a
 * smaller one, up to the spacing of the grid.
 */
export const fitMinimax: Fit = (f, domain, degree) => {
  const { low, high } = domain;
  const unit = (i: number): number => -Math.cos((Math.PI * i) / (GRID - 1));
  const grid = Float64Array.from({ length: GRID }, (_, i) => unit(i));
  const values = grid.map((t) => f((low + high) / 2 + ((high - low) / 2) * t));
  const n = degree + 2;
  let points = Array.from({ length: n }, (_, j) => Math.round(((GRID - 1) * j) / (n - 1)));
  // In t ∈ [−1, 1]; starts from Chebyshev interpolation, which is kept if the exchange does not improve it.
  let best = [...substitute(fitChebyshev(f, domain, degree), (high - low) / 2, (high + low) / 2)];
  const largestError = (p: readonly number[]): number =>
    grid.reduce((worst, t, i) => Math.max(worst, Math.abs(values[i]! - evaluatePolynomial(p, t))), 0);
  let bestError = largestError(best);
  for (let round = 0; round < ROUNDS; round++) {
    const matrix = new Float64Array(n * n);
    const right = new Float64Array(n);
    points.forEach((at, row) => {
      for (let k = 0; k <= degree; k++) matrix[row * n + k] = grid[at]! ** k;
      matrix[row * n + degree + 1] = row % 2 === 0 ? 1 : -1;
      right[row] = values[at]!;
    });
    const candidate = [...solve(matrix, right).subarray(0, degree + 1)];
    const errors = grid.map((t, i) => values[i]! - evaluatePolynomial(candidate, t));
    const worst = errors.reduce((largest, error) => Math.max(largest, Math.abs(error)), 0);
    if (worst < bestError) {
      best = candidate;
      bestError = worst;
    }
    const next = alternatingExtrema(errors, n);
    if (next.length < n || next.every((at, i) => at === points[i])) break;
    points = next;
  }
  return substitute(best, 2 / (high - low), -(high + low) / (high - low));
};
