import { describe, expect, it } from 'vitest';
import { checkParameters, MAX_LOG_QP } from '#fhe';
import { chooseParameters } from './choose-parameters.ts';

describe('ChooseParameters', () => {
  it.each([
    [1, 4096],
    [5, 8192],
    [6, 16384],
    [12, 16384],
    [16, 32768],
    [40, 65536],
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

  it('takes no ring below the smallest that it is given', () => {
    expect(chooseParameters(5, undefined, 32768).literal.ringDegree).toBe(32768);
  });

  it('refuses what no ring holds', () => {
    expect(() => chooseParameters(60)).toThrow(
      '60 levels need 62 primes of 30 bits, more than N = 65536 holds',
    );
  });
});
