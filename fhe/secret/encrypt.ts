import { createEncoder } from '../ckks/encoder.ts';
import type { Parameters } from '../ckks/parameters.ts';
import { encodeEachConstant, encodeSeededCiphertext, type SeededCiphertext } from '../ckks/serialization.ts';
import { FheError } from '../errors.ts';
import { packInputs } from '../program/pack-inputs.ts';
import type { VerifiedProgram } from '../program/verifier.ts';
import { createRing } from '../ring/ring.ts';
import { decodeSecretKey } from './secret-key.ts';
import { createSymmetricEncryptor, type SymmetricEncryptor } from './symmetric.ts';

/**
 * Encrypts the constants of a program at the level and scale of their use: symmetric and seeded, each with its own seeds.
 *
 * @param values the slot values of every constant, in order; missing slots are zero.
 * @param onProgress hears of the share that is done, after each.
 * @returns the serialized constants (see `encodeConstants`).
 * @throws FheError FHE_RANGE if the number of constants or a value does not fit.
 */
export async function encryptConstants(
  { program, parameters }: VerifiedProgram,
  secretKey: Uint8Array,
  values: readonly Float64Array[],
  onProgress: (share: number) => void = () => {},
): Promise<Uint8Array> {
  if (values.length !== program.constants.length) {
    throw new FheError(
      'FHE_RANGE',
      `${values.length} constants: the program has ${program.constants.length}`,
    );
  }
  const encryptor = openEncryptor(parameters, secretKey);
  try {
    // One at a time, because all of them can have gigabytes.
    const encryptEach = function* (): Generator<SeededCiphertext> {
      for (const [i, type] of program.constants.entries()) {
        yield encryptor.encrypt(values[i]!, type);
        onProgress((i + 1) / values.length);
      }
    };
    return encodeEachConstant(parameters, program.constants, encryptEach());
  } finally {
    encryptor.close();
  }
}

/**
 * Encrypts a picture for `Interpreter.runEncrypted` (the self-test of a bundle): one serialized, seeded ciphertext for each input.
 *
 * @param values a prepared picture, see `packInputs`.
 * @throws FheError FHE_RANGE as `packInputs`.
 */
export async function encryptInputs(
  { program, parameters }: VerifiedProgram,
  secretKey: Uint8Array,
  values: Float32Array,
): Promise<Uint8Array[]> {
  const slots = packInputs(program, values);
  const encryptor = openEncryptor(parameters, secretKey);
  try {
    return program.inputs.map(({ level, scale }, i) =>
      encodeSeededCiphertext(parameters, encryptor.encrypt(slots[i]!, { level, scale, modulus: 'Q' })),
    );
  } finally {
    encryptor.close();
  }
}

function openEncryptor(parameters: Parameters, secretKey: Uint8Array): SymmetricEncryptor {
  const ring = createRing(parameters.ringDegree);
  const secret = decodeSecretKey(parameters, secretKey);
  try {
    return createSymmetricEncryptor(parameters, ring, createEncoder(parameters, ring), secret);
  } finally {
    secret.fill(0);
  }
}
