import { fromChebyshev, integrate, type Polynomial, substitute } from './polynomial.ts';
import { solve } from './solve.ts';

/** A function of one number. */
export type Scalar = (x: number) => number;

/** The domain of an approximation: the calibrated input range, and observed inputs. */
export type Domain = { readonly low: number; readonly high: number; readonly samples: Float64Array };

/** Finds a polynomial of at most `degree` that replaces `f` on the domain. */
export type Fit = (f: Scalar, domain: Domain, degree: number) => Polynomial;

/** T_k(t) for k = 0 … degree. */
function chebyshevValues(t: number, degree: number): Float64Array {
  const values = new Float64Array(degree + 1);
  values[0] = 1;
  if (degree > 0) values[1] = t;
  for (let k = 2; k <= degree; k++) values[k] = 2 * t * values[k - 1]! - values[k - 2]!;
  return values;
}

/** Powers of x from Chebyshev coefficients over [low, high]. */
function fromInterval(coefficients: readonly number[], low: number, high: number): number[] {
  return substitute(fromChebyshev(coefficients), 2 / (high - low), -(high + low) / (high - low));
}

/** Maps [low, high] to [−1, 1]. */
function toUnit(x: number, { low, high }: Domain): number {
  return (2 * x - low - high) / (high - low);
}

/** Interpolation at the Chebyshev nodes of the range: nearly the best uniform approximation for smooth functions. */
export const fitChebyshev: Fit = (f, { low, high }, degree) => {
  const nodes = degree + 1;
  const angles = Array.from({ length: nodes }, (_, j) => (Math.PI * (j + 0.5)) / nodes);
  const values = angles.map((angle) => f((low + high) / 2 + ((high - low) / 2) * Math.cos(angle)));
  const coefficients = Array.from({ length: nodes }, (_, k) => {
    const sum = values.reduce((total, value, j) => total + value * Math.cos(k * angles[j]!), 0);
    return (sum * (k === 0 ? 1 : 2)) / nodes;
  });
  return fromInterval(coefficients, low, high);
};

/** Least squares on the observed inputs: small error where inputs are frequent. */
export const fitLeastSquares: Fit = (f, domain, degree) => {
  const n = degree + 1;
  const normal = new Float64Array(n * n);
  const right = new Float64Array(n);
  for (const x of domain.samples) {
    const basis = chebyshevValues(toUnit(x, domain), degree);
    const value = f(x);
    for (let i = 0; i < n; i++) {
      right[i]! += basis[i]! * value;
      for (let j = 0; j < n; j++) normal[i * n + j]! += basis[i]! * basis[j]!;
    }
  }
  return fromInterval([...solve(normal, right)], domain.low, domain.high);
};

/**
 * Taylor polynomial at 0, from values close to 0 (interpolation on ±h, whose error in the coefficients is of order h²). For
 * functions that are smooth there; a kink such as ReLU's gives the polynomial of its smoothing.
 */
export const fitTaylor: Fit = (f, { samples }, degree) => {
  const h = 0.05;
  return fitChebyshev(f, { low: -h, high: h, samples }, degree);
};

/** Approximates the derivative by Chebyshev interpolation and integrates it (CryptoDL); the constant fits the observed inputs. */
export const fitIntegratedDerivative: Fit = (f, domain, degree) => {
  const h = (domain.high - domain.low) * 1e-5;
  const derivative: Scalar = (x) => (f(x + h) - f(x - h)) / (2 * h);
  const integral = integrate(fitChebyshev(derivative, domain, degree - 1));
  let offset = 0;
  for (const x of domain.samples) {
    let value = 0;
    for (let k = integral.length - 1; k >= 0; k--) value = value * x + integral[k]!;
    offset += (f(x) - value) / domain.samples.length;
  }
  return [offset, ...integral.slice(1)];
};

/** a·x², with the a that fits the observed inputs best: a good start for fine-tuning. */
export const fitSquare: Fit = (f, { samples }) => {
  let numerator = 0;
  let denominator = 0;
  for (const x of samples) {
    numerator += f(x) * x * x;
    denominator += x ** 4;
  }
  return [0, 0, denominator > 0 ? numerator / denominator : 0];
};
