import { describe, expect, it } from 'vitest';
import { verifyProgram } from '../../program/verifier.ts';
import { testParameters } from '../../testing/parameters.ts';
import { testPrograms } from '../../testing/programs.ts';
import { frameWork } from './frame-work.ts';
import { KernelRates } from './kernel-rates.ts';

const N = 8192;
const parameters = testParameters(N, 4);

function workOf(name: string) {
  const { program } = testPrograms(parameters).find((each) => each.program.name === name)!;
  return frameWork(verifyProgram(program));
}

describe('the work of a frame', () => {
  it('is counted for three rotated products that are relinearized and rescaled, and a constant', () => {
    // Level 3: 4 limbs, 5 with the special prime, 4 digits. Keys for relinearization and for two rotations.
    const weights = 3 * 2 * 5;
    const bias = 2 * 3;
    const key = 4 * 2 * 5;
    // Of the division by P·q, two polynomials: both primes' limbs to each other and to three more.
    const conversions = 2 * (1 + 3 * 2);
    const decomposed = 4 + 4 * 4;
    const transforms = 3 * 4 + 3 + decomposed + (1 + 4) + decomposed + 2 * (2 + 3);
    expect(workOf('rotate-inner')).toEqual({
      bytes: 4 * N * (weights + bias + 3 * key),
      products: N * (3 * 4 * 5 + 3 * key + conversions),
      butterflies: transforms * (N / 2) * 13,
    });
  });

  it('has no products of ciphertexts where there are none', () => {
    expect(workOf('encrypt')).toEqual({ bytes: 0, products: 0, butterflies: (3 * 4 + 3) * (N / 2) * 13 });
  });

  it('counts what is used twice once', () => {
    // Of the steps 1, 2 and −4, two make a round with their sum; three rotations and a single one: four keys.
    expect(workOf('rotate-fold').bytes).toBe(4 * N * 4 * 2 * 5 * 6);
  });
});

describe('KernelRates', () => {
  it('calculates', async () => {
    const rates = new KernelRates();
    expect(rates.products(1)).toBeGreaterThan(0);
    expect(rates.butterflies(1)).toBeGreaterThan(0);
    await rates.close();
  });
});
