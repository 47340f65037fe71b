import { FheError } from '../errors.ts';
import { composeCentered } from '../ring/compose.ts';
import { createSlotTransform } from '../ring/fourier.ts';
import { createRing, type Ring } from '../ring/ring.ts';
import type { ParametersLiteral } from './parameters.ts';
import { limbPrimes } from './serialization.ts';

/** The form in which a plaintext is encoded. */
export type EncodingType = {
  readonly level: number;
  readonly scale: number;
  readonly modulus?: 'Q' | 'QP';
};

/** Slots ⇄ plaintext polynomials in NTT form; slot order and roots are SEAL's. */
export type Encoder = {
  readonly slots: number;
  /**
   * Encodes up to N/2 slot values (missing ones are zero) as round(scale · coefficients), one limb for each prime.
   *
   * @throws FheError FHE_RANGE where there are too many values, one is not finite, or a coefficient does not fit: |c| < Q_level / 2.
   */
  encode(values: Float64Array, type: EncodingType): Uint32Array;
  /** Decodes (level + 1) limbs in NTT form. */
  decode(residues: Uint32Array, type: { readonly level: number; readonly scale: number }): Float64Array;
};

/** @param ring shares transforms with other users of the same ring degree. */
export function createEncoder(
  parameters: ParametersLiteral,
  ring: Ring = createRing(parameters.ringDegree),
): Encoder {
  const degree = parameters.ringDegree;
  const slots = degree / 2;
  const transform = createSlotTransform(degree);
  return {
    slots,
    encode(values, { level, scale, modulus = 'Q' }) {
      const primes = limbPrimes(parameters, level, modulus);
      const bound = Math.min(
        limbPrimes(parameters, level).reduce((product, q) => product * q, 1) / 2,
        Number.MAX_VALUE,
      );
      const coefficients = scaledCoefficients(values, scale, bound);
      const residues = new Uint32Array(primes.length * degree);
      primes.forEach((q, limb) => {
        const polynomial = residues.subarray(limb * degree, (limb + 1) * degree);
        for (let i = 0; i < degree; i++) polynomial[i] = wholeModulo(coefficients[i]!, q);
        ring.ntt(q).forward(polynomial);
      });
      return residues;
    },
    decode(residues, { level, scale }) {
      const primes = limbPrimes(parameters, level);
      const limbs = residues.slice(0, primes.length * degree);
      primes.forEach((q, limb) => {
        ring.ntt(q).inverse(limbs.subarray(limb * degree, (limb + 1) * degree));
      });
      const coefficients = composeCentered(limbs, primes, degree);
      for (let i = 0; i < degree; i++) coefficients[i] = coefficients[i]! / scale;
      return transform.toSlots(coefficients);
    },
  };

  /** A float64 whole number modulo q, exact however large it is. */
  function wholeModulo(value: number, q: number): number {
    // Below 2^52 quotient · q is exact and the quotient wrong by at most 1: a tenth of the time of `%`.
    const small = Math.abs(value) < 2 ** 52;
    const remainder = small ? value - Math.floor(value / q) * q : value % q;
    if (remainder < 0) return remainder + q;
    return remainder >= q ? remainder - q : remainder;
  }

  function scaledCoefficients(values: Float64Array, scale: number, bound: number): Float64Array {
    if (values.length > slots) {
      throw new FheError('FHE_RANGE', `${values.length} values: expected at most ${slots} slots`);
    }
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw new FheError('FHE_RANGE', `slot ${at} is ${values[at]}: expected a finite number`);
    const padded = new Float64Array(slots);
    padded.set(values);
    const coefficients = transform.toCoefficients(padded);
    for (let i = 0; i < degree; i++) {
      const scaled = Math.round(coefficients[i]! * scale);
      if (!(Math.abs(scaled) < bound)) {
        throw new FheError(
          'FHE_RANGE',
          `coefficient ${i} is ${scaled.toExponential(3)} at scale 2^${Math.log2(scale).toFixed(2)}: it must stay below Q/2 = 2^${Math.log2(bound).toFixed(2)}`,
        );
      }
      coefficients[i] = scaled;
    }
    return coefficients;
  }
}
