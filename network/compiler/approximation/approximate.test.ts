import { describe, expect, it } from 'vitest';
import { SeededRandom } from '#network/model/random.ts';
import { approximate, type Method } from './approximate.ts';
import type { Domain } from './fits.ts';
import { evaluatePolynomial } from './polynomial.ts';

const random = new SeededRandom(1);
const domain: Domain = {
  low: -4,
  high: 3,
  samples: Float64Array.from({ length: 3000 }, () => Math.min(3, Math.max(-4, random.normal()))),
};
const relu = (x: number): number => Math.max(0, x);

describe('Approximate', () => {
  it.each<Method>(['taylor', 'chebyshev', 'least-squares', 'minimax', 'integrated-derivative'])(
    '%s finds a polynomial that is one',
    (method) => {
      const cubic = [0.5, -1, 0.25, 0.125];
      const { polynomial, worstError } = approximate((x) => evaluatePolynomial(cubic, x), domain, method, 3);
      expect(worstError).toBeLessThan(1e-5);
      polynomial.forEach((c, k) => {
        expect(c).toBeCloseTo(cubic[k]!, 5);
      });
    },
  );

  it('minimax has the smallest largest error, least squares the smallest typical one', () => {
    const methods: Method[] = [
      'chebyshev',
      'least-squares',
      'minimax',
      'integrated-derivative',
      'square',
      'taylor',
    ];
    for (const degree of [2, 3, 4, 5]) {
      const all = methods.map((method) => approximate(relu, domain, method, degree));
      const worst = Math.min(...all.map((one) => one.worstError));
      const typical = Math.min(...all.map((one) => one.typicalError));
      expect(all[2]!.worstError).toBe(worst);
      expect(all[1]!.typicalError).toBe(typical);
    }
  });

  it('minimax of |x| on [−1, 1], degree 2, is x² + 1/8 with error 1/8', () => {
    const unit: Domain = { low: -1, high: 1, samples: Float64Array.of(0) };
    const { polynomial, worstError } = approximate(Math.abs, unit, 'minimax', 2);
    expect(worstError).toBeCloseTo(0.125, 3);
    [0.125, 0, 1].forEach((c, k) => {
      expect(polynomial[k]!).toBeCloseTo(c, 2);
    });
  });

  it('minimax errors alternate degree + 2 times (exponential, where Remez converges)', () => {
    const { polynomial, worstError } = approximate(Math.exp, { ...domain, low: -1, high: 1 }, 'minimax', 3);
    // Known: the best cubic for exp on [−1, 1] errs by 5.5284e-3.
    expect(worstError).toBeCloseTo(5.5284e-3, 5);
    expect(polynomial).toHaveLength(4);
  });

  it('Taylor coefficients of exp are 1 / k!', () => {
    const { polynomial } = approximate(Math.exp, domain, 'taylor', 4);
    [1, 1, 1 / 2, 1 / 6, 1 / 24].forEach((c, k) => {
      expect(polynomial[k]!).toBeCloseTo(c, 3);
    });
  });

  it('square fits the scale', () => {
    expect(approximate((x) => 3 * x * x, domain, 'square', 2).polynomial[2]).toBeCloseTo(3, 12);
  });

  it('refuses what it cannot fit', () => {
    expect(() => approximate(relu, { ...domain, high: -4 }, 'minimax', 2)).toThrow('nothing to calibrate on');
    expect(() => approximate(relu, domain, 'minimax', 13)).toThrow('expected 1 to 12');
    expect(() => approximate(relu, { ...domain, samples: Float64Array.of(1) }, 'least-squares', 2)).toThrow(
      'too few different values',
    );
  });
});
