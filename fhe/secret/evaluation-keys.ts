import { encodeEvaluationKeys, type KeySwitchKey } from '../ckks/evaluation-keys.ts';
import type { Parameters } from '../ckks/parameters.ts';
import type { RingSwitchKey } from '../ckks/ring-switch-key.ts';
import { limbPrimes } from '../ckks/serialization.ts';
import { FheError } from '../errors.ts';
import type { VerifiedProgram } from '../program/verifier.ts';
import { galoisElement, nttPermutation } from '../ring/automorphism.ts';
import { mulMod } from '../ring/modular.ts';
import { createRing, type Ring } from '../ring/ring.ts';
import { makeKeySwitchKey } from './key-switch-key.ts';
import type { OwnerKeys } from './owner-keys.ts';
import { makeRingSwitchKey } from './ring-switch-key.ts';
import { decodeSecretKey, secretResidues } from './secret-key.ts';
import { freshSeeds } from './symmetric.ts';

/**
 * Makes exactly the evaluation keys that a program needs, each truncated to the highest level of its uses.
 *
 * @param onProgress hears of the share that is done, after each rotation key.
 * @returns the serialized keys (see `encodeEvaluationKeys`).
 * @throws FheError FHE_KEY_MISSING if the program has a result ring and the keys have no secret for it.
 */
export async function makeEvaluationKeys(
  verified: VerifiedProgram,
  keys: OwnerKeys,
  onProgress: (share: number) => void = () => {},
): Promise<Uint8Array> {
  const { parameters, resultParameters, requirements } = verified;
  const ring = createRing(parameters.ringDegree);
  const degree = ring.degree;
  const coefficients = decodeSecretKey(parameters, keys.secretKey);
  const { moduli, specialModuli } = parameters;
  const secret = secretResidues(ring, coefficients, [...moduli, ...specialModuli]);

  const make = (target: Uint32Array, level: number): KeySwitchKey => {
    const special = secret.subarray(moduli.length * degree);
    const own = new Uint32Array((level + 1 + specialModuli.length) * degree);
    own.set(secret.subarray(0, (level + 1) * degree));
    own.set(special, (level + 1) * degree);
    const seeds = freshSeeds();
    const key = makeKeySwitchKey(parameters, ring, own, target, level, seeds);
    seeds.error.fill(0);
    own.fill(0);
    target.fill(0);
    return key;
  };

  const { relinearizationLevel, rotations } = requirements;
  const relinearization =
    relinearizationLevel === null
      ? null
      : make(squareOf(secret, limbPrimes(parameters, relinearizationLevel), degree), relinearizationLevel);
  const rotationKeys = new Map<number, KeySwitchKey>();
  for (const { step, level } of rotations) {
    rotationKeys.set(step, make(permuted(secret, level + 1, galoisElement(step, degree), degree), level));
    onProgress(rotationKeys.size / rotations.length);
  }
  const made = { relinearization, rotations: rotationKeys };
  const ringSwitch =
    requirements.ringSwitch === undefined
      ? {}
      : { ringSwitch: switchKey(parameters, resultParameters, ring, coefficients, keys.resultSecretKey) };
  secret.fill(0);
  coefficients.fill(0);
  return encodeEvaluationKeys(parameters, { ...made, ...ringSwitch });
}

function switchKey(
  parameters: Parameters,
  resultParameters: Parameters,
  ring: Ring,
  secret: Int8Array,
  resultSecretKey: Uint8Array | undefined,
): RingSwitchKey {
  if (resultSecretKey === undefined) {
    throw new FheError(
      'FHE_KEY_MISSING',
      'the program has a result ring, but the keys have no secret for it',
    );
  }
  const resultSecret = decodeSecretKey(resultParameters, resultSecretKey);
  const seeds = freshSeeds();
  const key = makeRingSwitchKey(parameters, ring, secret, resultSecret, seeds);
  seeds.error.fill(0);
  resultSecret.fill(0);
  return key;
}

function squareOf(secret: Uint32Array, primes: readonly number[], degree: number): Uint32Array {
  const square = new Uint32Array(primes.length * degree);
  primes.forEach((q, limb) => {
    const reciprocal = 1 / q;
    for (let i = limb * degree; i < (limb + 1) * degree; i++) {
      square[i] = mulMod(secret[i]!, secret[i]!, q, reciprocal);
    }
  });
  return square;
}

function permuted(secret: Uint32Array, limbs: number, element: number, degree: number): Uint32Array {
  const permutation = nttPermutation(element, degree);
  const result = new Uint32Array(limbs * degree);
  for (let limb = 0; limb < limbs; limb++) {
    for (let i = 0; i < degree; i++) result[limb * degree + i] = secret[limb * degree + permutation[i]!]!;
  }
  return result;
}
