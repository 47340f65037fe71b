import { FormatReader, FormatWriter, Kind } from '../ckks/format.ts';
import type { ParametersLiteral } from '../ckks/parameters.ts';
import { FheError } from '../errors.ts';
import type { Ring } from '../ring/ring.ts';
import { liftSmall } from '../ring/samplers.ts';

/**
 * A secret key as its N ternary coefficients. The serialized form is the common frame with kind 5 and one byte a coefficient:
 * 0, 1 or 255 for −1.
 */
export function encodeSecretKey(parameters: ParametersLiteral, coefficients: Int8Array): Uint8Array {
  const writer = new FormatWriter(Kind.secretKey, parameters, coefficients.length);
  writer.raw(new Uint8Array(coefficients.buffer, coefficients.byteOffset, coefficients.byteLength));
  return writer.finish();
}

/** @throws FheError FHE_FORMAT if the bytes are not a secret key for these parameters. */
export function decodeSecretKey(parameters: ParametersLiteral, bytes: Uint8Array): Int8Array {
  const reader: FormatReader = new FormatReader(Kind.secretKey, parameters, bytes, 'secret key');
  const copy = reader.raw(parameters.ringDegree).slice();
  reader.end();
  const coefficients = new Int8Array(copy.buffer, copy.byteOffset, copy.byteLength);
  if (coefficients.some((value) => value < -1 || value > 1)) reader.fail('a coefficient is not −1, 0 or 1');
  return coefficients;
}

/** The secret in NTT form modulo each of `primes`: limb · N + coefficient. */
export function secretResidues(ring: Ring, secret: Int8Array, primes: readonly number[]): Uint32Array {
  const residues = new Uint32Array(primes.length * ring.degree);
  primes.forEach((q, limb) => {
    const polynomial = residues.subarray(limb * ring.degree, (limb + 1) * ring.degree);
    liftSmall(polynomial, secret, q);
    ring.ntt(q).forward(polynomial);
  });
  return residues;
}

/** The inverse, from one limb modulo `prime`. @throws FheError FHE_FORMAT if it is not ternary. */
export function secretCoefficients(ring: Ring, limb: Uint32Array, prime: number): Int8Array {
  const polynomial = limb.slice();
  ring.ntt(prime).inverse(polynomial);
  return Int8Array.from(polynomial, (residue) => {
    if (residue === prime - 1) return -1;
    if (residue > 1) throw new FheError('FHE_FORMAT', 'the secret key is not ternary');
    return residue;
  });
}
