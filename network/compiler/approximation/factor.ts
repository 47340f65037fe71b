import { evaluatePolynomial, type Polynomial } from './polynomial.ts';

/** A leading coefficient is dropped if it adds less than this share of the largest term anywhere in reach. */
const NEGLIGIBLE = 1e-9;
const ROUNDS = 1000;
const CONVERGED = 1e-15;
/** A root this close to the axis, relative to its size, is a real one. */
const REAL = 1e-6;
/** Largest error of the product of the factors, relative to the largest value in reach. */
const TOLERATED = 1e-6;

type Complex = readonly [re: number, im: number];

function times([a, b]: Complex, [c, d]: Complex): Complex {
  return [a * c - b * d, a * d + b * c];
}

function divided([a, b]: Complex, [c, d]: Complex): Complex {
  const square = c * c + d * d || Number.MIN_VALUE;
  return [(a * c + b * d) / square, (b * c - a * d) / square];
}

/** All roots of a polynomial whose leading coefficient is 1, at once (Weierstrass 1891, Durand, Kerner). */
function rootsOf(monic: Polynomial): Complex[] {
  const degree = monic.length - 1;
  const size = Math.abs(monic[0]!) ** (1 / degree) || 1;
  const roots = Array.from({ length: degree }, (_, k): Complex => {
    const angle = (2 * Math.PI * k) / degree + 0.4;
    return [size * Math.cos(angle), size * Math.sin(angle)];
  });
  for (let round = 0; round < ROUNDS; round++) {
    let moved = 0;
    for (const [k, root] of roots.entries()) {
      let value: Complex = [1, 0];
      for (let i = degree - 1; i >= 0; i--) {
        const [re, im] = times(value, root);
        value = [re + monic[i]!, im];
      }
      let others: Complex = [1, 0];
      for (const [j, other] of roots.entries())
        if (j !== k) others = times(others, [root[0] - other[0], root[1] - other[1]]);
      const [re, im] = divided(value, others);
      roots[k] = [root[0] - re, root[1] - im];
      moved = Math.max(moved, Math.hypot(re, im) / (Math.hypot(...root) || 1));
    }
    if (moved < CONVERGED) break;
  }
  return roots;
}

/** Real quadratics, and one linear factor if the degree is odd, with these roots. */
function pairUp(roots: readonly Complex[]): Polynomial[] {
  const isReal = ([re, im]: Complex): boolean => Math.abs(im) <= REAL * Math.hypot(re, im);
  const real = roots
    .filter(isReal)
    .map(([re]) => re)
    .sort((a, b) => a - b);
  const factors: Polynomial[] = roots
    .filter((root) => !isReal(root) && root[1] > 0)
    .map(([re, im]) => [re * re + im * im, -2 * re, 1]);
  for (let i = 0; i + 1 < real.length; i += 2)
    factors.push([real[i]! * real[i + 1]!, -real[i]! - real[i + 1]!, 1]);
  if (real.length % 2 === 1) factors.push([-real.at(-1)!, 1]);
  return factors;
}

function peakOf(polynomial: Polynomial): number {
  let peak = 0;
  for (let i = -50; i <= 50; i++) peak = Math.max(peak, Math.abs(evaluatePolynomial(polynomial, i / 50)));
  return peak;
}

/**
 * Writes a polynomial as a product of real factors of degree 2 and at most one of degree 1. Such a product takes as few levels as any
 * form, and the errors of its factors are relative to themselves only: nothing large cancels. All factors have the same peak.
 *
 * @param reach largest |x| that matters. Leading coefficients that add nothing there are dropped first.
 * @returns one factor, the polynomial, if its degree is 2 or less; nothing if its roots cannot be found exactly enough.
 */
export function factorPolynomial(polynomial: Polynomial, reach: number): Polynomial[] | undefined {
  const scaled = polynomial.map((coefficient, k) => coefficient * reach ** k);
  const largest = Math.max(...scaled.map(Math.abs));
  while (scaled.length > 1 && Math.abs(scaled.at(-1)!) <= NEGLIGIBLE * largest) scaled.pop();
  if (scaled.length <= 3) return [polynomial.slice(0, scaled.length)];
  const leading = scaled.at(-1)!;
  const monic = pairUp(rootsOf(scaled.map((coefficient) => coefficient / leading)));
  const peaks = monic.map(peakOf);
  const common = Math.abs(peaks.reduce((product, peak) => product * peak, leading)) ** (1 / monic.length);
  const factors = monic.map((factor, i) =>
    factor.map((coefficient) => (coefficient * common * (i === 0 ? Math.sign(leading) : 1)) / peaks[i]!),
  );
  const peak = peakOf(scaled);
  for (let x = -1; x <= 1; x += 0.02) {
    const product = factors.reduce((value, factor) => value * evaluatePolynomial(factor, x), 1);
    if (!(Math.abs(product - evaluatePolynomial(scaled, x)) <= TOLERATED * peak)) return undefined;
  }
  return factors.map((factor) => factor.map((coefficient, k) => coefficient / reach ** k));
}
