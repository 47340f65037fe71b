import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { factorPolynomial as factorOrNone } from './factor.ts';
import { evaluatePolynomial, type Polynomial } from './polynomial.ts';

function factorPolynomial(polynomial: Polynomial, reach: number): Polynomial[] {
  const factors = factorOrNone(polynomial, reach);
  expect(factors).toBeDefined();
  return factors!;
}

function worstError(polynomial: Polynomial, factors: readonly Polynomial[], reach: number): number {
  let worst = 0;
  let peak = 0;
  for (let i = -100; i <= 100; i++) {
    const x = (reach * i) / 100;
    const value = evaluatePolynomial(polynomial, x);
    const product = factors.reduce((sofar, factor) => sofar * evaluatePolynomial(factor, x), 1);
    worst = Math.max(worst, Math.abs(product - value));
    peak = Math.max(peak, Math.abs(value));
  }
  return worst / peak;
}

describe('FactorPolynomial', () => {
  it.each([3, 4, 5, 6, 7, 8, 12])('writes any polynomial of degree %i as a product', (degree) => {
    const random = new SeededRandom(degree);
    for (let trial = 0; trial < 50; trial++) {
      const reach = 10 ** random.uniform(-2, 4);
      const polynomial = Array.from({ length: degree + 1 }, (_, k) => random.uniform(-1, 1) / reach ** k);
      const factors = factorPolynomial(polynomial, reach);
      expect(factors).toHaveLength(Math.ceil(degree / 2));
      for (const factor of factors) expect(factor.length).toBeLessThanOrEqual(3);
      expect(worstError(polynomial, factors, reach)).toBeLessThan(1e-6);
    }
  });

  it.each<[string, Polynomial]>([
    ['a double root', [1, -2, 2, -2, 1]],
    ['powers alone', [0, 0, 0, 0, 3]],
    ['no odd powers', [-1, 0, -0.5, 0, 0.25]],
    ['a root far away', [0.1, 0.5, 0.4, 0, 1e-6]],
  ])('copes with %s', (_, polynomial) => {
    expect(worstError(polynomial, factorPolynomial(polynomial, 1), 1)).toBeLessThan(1e-6);
  });

  it('leaves out what adds nothing', () => {
    expect(factorPolynomial([1, 2, 3, 1e-12, -1e-15], 1)).toEqual([[1, 2, 3]]);
    expect(factorPolynomial([1, 2, 3, 1e-12], 1e6)).toHaveLength(2);
  });

  it('says so where roots cannot be told apart', () => {
    expect(factorOrNone([1, -4, 6, -4, 1], 1)).toBeUndefined();
  });
});
