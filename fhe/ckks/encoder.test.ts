import { describe, expect, it } from 'vitest';
import { FheError } from '../errors.ts';
import { galoisElement, nttPermutation } from '../ring/automorphism.ts';
import { randomSlots, testParameters, worstError } from '../testing/parameters.ts';
import { createEncoder } from './encoder.ts';

describe('encoder', () => {
  const parameters = testParameters(4096, 2);
  const encoder = createEncoder(parameters);
  const values = randomSlots(encoder.slots, 3, 100);

  it('decodes what it encoded, at every level', () => {
    for (const level of [0, 1]) {
      const type = { level, scale: 2 ** 20 };
      // Rounding: N/2 errors of at most 1/2 a coefficient, so well below √N · 4 / scale in a slot.
      expect(worstError(encoder.decode(encoder.encode(values, type), type), values)).toBeLessThan(
        256 / 2 ** 20,
      );
    }
  });

  it('keeps scales above 2^53 exact modulo every prime', () => {
    const type = { level: 1, scale: 2 ** 56 };
    const one = encoder.encode(Float64Array.of(1), type);
    expect(
      worstError(
        encoder.decode(one, type),
        Float64Array.from({ length: encoder.slots }, (_, i) => +(i === 0)),
      ),
    ).toBeLessThan(1e-9);
  });

  it('fills missing slots with zero', () => {
    const type = { level: 0, scale: 2 ** 26 };
    const decoded = encoder.decode(encoder.encode(Float64Array.of(1, 2), type), type);
    expect(decoded[0]).toBeCloseTo(1, 4);
    expect(decoded[1]).toBeCloseTo(2, 4);
    expect(decoded.subarray(2).every((value) => Math.abs(value) < 1e-5)).toBe(true);
  });

  it('encodes a constant modulo Q·P with the limbs of the special prime last', () => {
    const constant = new Float64Array(encoder.slots).fill(-2);
    const residues = encoder.encode(constant, { level: 0, scale: 1024, modulus: 'QP' });
    expect(residues.length).toBe(2 * 4096);
    const expected = [parameters.moduli[0]!, parameters.specialModuli[0]!].map((q) => q - 2048);
    for (const limb of [0, 1]) {
      expect(
        residues.subarray(limb * 4096, (limb + 1) * 4096).every((value) => value === expected[limb]),
      ).toBe(true);
    }
  });

  it('rotates to the left under the automorphism of a step', () => {
    const type = { level: 0, scale: 2 ** 20 };
    const residues = encoder.encode(values, type);
    for (const step of [1, 5, -3]) {
      const permutation = nttPermutation(galoisElement(step, 4096), 4096);
      const rotated = encoder.decode(
        Uint32Array.from(permutation, (i) => residues[i]!),
        type,
      );
      const expected = values.map((_, i) => values[(i + step + encoder.slots) % encoder.slots]!);
      expect(worstError(rotated, expected)).toBeLessThan(1e-3);
    }
  });

  it('refuses what does not fit', () => {
    const refuse = (slots: Float64Array, scale: number): string => {
      try {
        encoder.encode(slots, { level: 0, scale });
      } catch (error) {
        expect(error).toBeInstanceOf(FheError);
        expect((error as FheError).code).toBe('FHE_RANGE');
        return (error as FheError).message;
      }
      return 'accepted';
    };
    const full = new Float64Array(encoder.slots).fill(1);
    expect(refuse(full, 2 ** 28)).toBe('accepted');
    expect(refuse(full, 2 ** 29)).toContain('must stay below');
    expect(refuse(Float64Array.of(0, Number.NaN), 2)).toContain('slot 1 is NaN');
    expect(refuse(Float64Array.of(Number.POSITIVE_INFINITY), 2)).toContain('slot 0 is Infinity');
    expect(refuse(new Float64Array(encoder.slots + 1), 2)).toContain('at most 2048 slots');
  });
});
