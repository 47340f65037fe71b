import { NetworkError } from '#network/errors.ts';
import {
  type Domain,
  type Fit,
  fitChebyshev,
  fitIntegratedDerivative,
  fitLeastSquares,
  fitSquare,
  fitTaylor,
  type Scalar,
} from './fits.ts';
import { fitMinimax } from './minimax.ts';
import { evaluatePolynomial, type Polynomial } from './polynomial.ts';

/** The ways to find a polynomial, by the name that reports use. */
export const METHODS = {
  square: fitSquare,
  taylor: fitTaylor,
  chebyshev: fitChebyshev,
  'least-squares': fitLeastSquares,
  minimax: fitMinimax,
  'integrated-derivative': fitIntegratedDerivative,
} as const satisfies Record<string, Fit>;

/** Name of a method. */
export type Method = keyof typeof METHODS;

/** A polynomial in place of a function, and how far it is off. */
export type Approximation = {
  readonly method: Method;
  readonly polynomial: Polynomial;
  /** Largest |p(x) − f(x)| over the range. */
  readonly worstError: number;
  /** Root mean square error over the observed inputs. */
  readonly typicalError: number;
};

/** Points at which the largest error is searched. */
const CHECKED_POINTS = 1001;

/**
 * Approximates a function on a domain.
 *
 * @throws NetworkError NETWORK_DATA if the range is empty or the degree is outside 1 … 12 (2 … for `square`).
 */
export function approximate(f: Scalar, domain: Domain, method: Method, degree: number): Approximation {
  const { low, high, samples } = domain;
  if (!(high > low) || !Number.isFinite(high - low) || samples.length === 0) {
    throw new NetworkError(
      'NETWORK_DATA',
      `an activation saw inputs from ${low} to ${high}: nothing to calibrate on`,
    );
  }
  if (!Number.isInteger(degree) || degree < 1 || degree > 12) {
    throw new NetworkError('NETWORK_DATA', `degree ${degree}: expected 1 to 12`);
  }
  const polynomial = METHODS[method](f, domain, degree);
  let worstError = 0;
  for (let i = 0; i < CHECKED_POINTS; i++) {
    const x = low + ((high - low) * i) / (CHECKED_POINTS - 1);
    worstError = Math.max(worstError, Math.abs(evaluatePolynomial(polynomial, x) - f(x)));
  }
  const squares = samples.reduce((sum, x) => sum + (evaluatePolynomial(polynomial, x) - f(x)) ** 2, 0);
  return { method, polynomial, worstError, typicalError: Math.sqrt(squares / samples.length) };
}
