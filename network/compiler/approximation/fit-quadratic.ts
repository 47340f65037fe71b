import type { Scalar } from './fits.ts';
import { solve } from './solve.ts';

/**
 * Largest |shift| of a completed square, in deviations of its input: of (u + s)², 2·s·u is what matters, and beside it stands s², whose noise
 * it must outweigh. At 8, two to three of thirteen bits go to the constant.
 */
const MOST_SHIFT = 8;
/** Keeps the equations solvable for inputs that take one or two values only. */
const RIDGE = 1e-5;
const TERMS = 3;

/** p(x) = d · (k₀ + k₁·u + k₂·u²), u = (x − m) / d, with m and d the mean and deviation of the inputs it was fitted on. */
export type CenteredQuadratic = {
  readonly center: number;
  readonly deviation: number;
  readonly coefficients: readonly [number, number, number];
};

/** The square coefficient, or the closest that can be completed to a square without drowning k₁·u; its sign stays. */
export function limitShift(k1: number, k2: number): number {
  const least = Math.abs(k1) / (2 * MOST_SHIFT);
  return Math.abs(k2) >= least ? k2 : k2 < 0 ? -least : least;
}

/**
 * The quadratic closest to `f` on these inputs, by least squares, but for a bound on the shift of its completed square
 * ({@link limitShift}): a map whose inputs are all positive needs none of Relu, and gets a very flat parabola.
 */
export function fitQuadratic(f: Scalar, samples: Float64Array): CenteredQuadratic {
  const count = Math.max(1, samples.length);
  let [sum, squares] = [0, 0];
  for (const x of samples) sum += x / count;
  for (const x of samples) squares += (x - sum) ** 2 / count;
  const [center, deviation] = [sum, Math.sqrt(squares) || 1];
  const normal = new Float64Array(TERMS * TERMS);
  const right = new Float64Array(TERMS);
  for (const x of samples) {
    const u = (x - center) / deviation;
    const value = f(x) / deviation / count;
    for (let i = 0; i < TERMS; i++) {
      right[i]! += value * u ** i;
      for (let j = 0; j < TERMS; j++) normal[TERMS * i + j]! += u ** (i + j) / count;
    }
  }
  for (let i = 0; i < TERMS; i++) normal[TERMS * i + i]! += RIDGE;
  const [, free1 = 0, free2 = 0] = solve(normal, right);
  const k2 = limitShift(free1, free2);
  // What the square leaves over, by a line: the mean of u is 0, that of u² is 1.
  let [k0, k1] = [0, 0];
  for (const x of samples) {
    const u = (x - center) / deviation;
    const rest = (f(x) / deviation - k2 * u * u) / count;
    k0 += rest;
    k1 += rest * u;
  }
  return { center, deviation, coefficients: [k0, k1, limitShift(k1, k2)] };
}
