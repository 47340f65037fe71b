import { describe, expect, it } from 'vitest';
import { checkParameters, MAX_LOG_QP } from '#fhe';
import { chooseParameters } from './choose-parameters.ts';

describe('ChooseParameters', () => {
  it.each([
    [1, 4096],
    [5, 8192],
    [6, 16384],
    [13, 16384],
    [15, 32768],
    [28, 32768],
    [30, 65536],
    [59, 65536],
  ])('takes the smallest ring that holds %i levels within the security table', (depth, ringDegree) => {
    const { literal, alpha } = chooseParameters(depth);
    expect(literal.ringDegree).toBe(ringDegree);
    expect(literal.moduli).toHaveLength(depth + 1);
    expect(literal.specialModuli).toHaveLength(alpha);
    expect(checkParameters(literal).logQP).toBeLessThanOrEqual(MAX_LOG_QP[ringDegree]!);
  });

  it('takes digits of one limb in small rings, of several where key switching gets cheaper by it', () => {
    expect(chooseParameters(5).alpha).toBe(1);
    expect(chooseParameters(10).alpha).toBeGreaterThan(1);
  });

  it('leaves room above every digit of several limbs, so that key switching adds next to no noise', () => {
    const { literal, alpha } = chooseParameters(11);
    const bits = (primes: readonly number[]) => primes.reduce((sum, q) => sum + Math.log2(q), 0);
    for (let first = 0; first < literal.moduli.length; first += alpha)
      expect(bits(literal.specialModuli) - bits(literal.moduli.slice(first, first + alpha))).toBeGreaterThan(
        4,
      );
  });

  it('takes no ring below the smallest that it is given', () => {
    expect(chooseParameters(5, undefined, 32768).literal.ringDegree).toBe(32768);
  });

  it('refuses what no ring holds', () => {
    expect(() => chooseParameters(60)).toThrow('60 levels need 62 primes, more than N = 65536 holds');
  });
});
