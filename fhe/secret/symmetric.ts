import { randomBytes } from 'node:crypto';
import type { Encoder } from '../ckks/encoder.ts';
import type { ParametersLiteral } from '../ckks/parameters.ts';
import {
  expandSecondHalf,
  limbPrimes,
  type SeededCiphertext,
  type SeededType,
} from '../ckks/serialization.ts';
import { addMod, mulMod, subMod } from '../ring/modular.ts';
import type { Ring } from '../ring/ring.ts';
import { liftSmall, SEED_BYTES, sampleError } from '../ring/samplers.ts';
import { secretResidues } from './secret-key.ts';

/** The two seeds of a symmetric encryption. `uniform` is published with the ciphertext; `error` must be wiped. */
export type EncryptionSeeds = { readonly uniform: Uint8Array; readonly error: Uint8Array };

/** Two independent seeds from the operating system. */
export function freshSeeds(): EncryptionSeeds {
  return { uniform: randomBytes(SEED_BYTES), error: randomBytes(SEED_BYTES) };
}

/** Encrypts with one secret. */
export type SymmetricEncryptor = {
  /** Encodes and encrypts slot values. @throws FheError FHE_RANGE as `Encoder.encode`. */
  encrypt(values: Float64Array, type: SeededType): SeededCiphertext;
  /** Forgets the secret. */
  close(): void;
};

/**
 * b = −a·s + e + m modulo each prime, everything in NTT form; a pure function of its seeds.
 *
 * @param plaintext m, limbs as `type` says.
 * @param secret s modulo the same primes.
 */
export function encryptSeeded(
  parameters: ParametersLiteral,
  ring: Ring,
  secret: Uint32Array,
  plaintext: Uint32Array,
  type: SeededType,
  seeds: EncryptionSeeds,
): SeededCiphertext {
  const primes = limbPrimes(parameters, type.level, type.modulus);
  const degree = ring.degree;
  const a = expandSecondHalf(parameters, { ...type, seed: seeds.uniform });
  const error = sampleError(degree, seeds.error, { digit: 0, limb: 0 });
  const first = new Uint32Array(primes.length * degree);
  const noise = new Uint32Array(degree);
  primes.forEach((q, limb) => {
    const reciprocal = 1 / q;
    liftSmall(noise, error, q);
    ring.ntt(q).forward(noise);
    for (let i = 0, at = limb * degree; i < degree; i++, at++) {
      const mask = mulMod(a[at]!, secret[at]!, q, reciprocal);
      first[at] = addMod(subMod(noise[i]!, mask, q), plaintext[at]!, q);
    }
  });
  error.fill(0);
  noise.fill(0);
  return { level: type.level, scale: type.scale, modulus: type.modulus, first, seed: seeds.uniform };
}

/** @param secret ternary coefficients; not retained. */
export function createSymmetricEncryptor(
  parameters: ParametersLiteral,
  ring: Ring,
  encoder: Encoder,
  secret: Int8Array,
): SymmetricEncryptor {
  const { moduli, specialModuli } = parameters;
  const residues = secretResidues(ring, secret, [...moduli, ...specialModuli]);
  const degree = ring.degree;
  return {
    encrypt(values, type) {
      const plaintext = encoder.encode(values, type);
      const data = residues.subarray(0, (type.level + 1) * degree);
      const special = residues.subarray(moduli.length * degree);
      const seeds = freshSeeds();
      const own = type.modulus === 'QP' ? concatenate(data, special) : data;
      const ciphertext = encryptSeeded(parameters, ring, own, plaintext, type, seeds);
      seeds.error.fill(0);
      plaintext.fill(0);
      return ciphertext;
    },
    close() {
      residues.fill(0);
    },
  };
}

function concatenate(left: Uint32Array, right: Uint32Array): Uint32Array {
  const both = new Uint32Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}
