import { checkParameters, type Parameters, type ParametersLiteral } from '../ckks/parameters.ts';
import { decodeCiphertext } from '../ckks/serialization.ts';
import { FheError } from '../errors.ts';
import type { Program } from '../program/program.ts';
import { verifyProgram } from '../program/verifier.ts';
import { createRing } from '../ring/ring.ts';
import { createSealContext } from '../seal/context.ts';
import { toSealCiphertext } from '../seal/convert.ts';
import { guardSeal, SealScope } from '../seal/runtime.ts';
import type { OwnerKeys } from './owner-keys.ts';
import { toSealSecretKey } from './seal-secret.ts';
import { decodeSecretKey } from './secret-key.ts';

/** Opens answers of one program. What it returns must not leave the decryptor unrounded: see `interpretSlots`. */
export type Decryptor = {
  /**
   * All slots of a serialized ciphertext.
   *
   * @throws FheError FHE_FORMAT where the bytes are not a ciphertext, or not of the level and scale that the program's answer has.
   */
  decrypt(ciphertext: Uint8Array): Float64Array;
  /** Forgets the key. */
  close(): void;
};

/**
 * Makes a decryptor, through SEAL.
 *
 * For a program it opens only what looks like the answer of that program (level, scale, and its ring); for bare parameters, which
 * tests and tools use, any ciphertext.
 */
export async function createDecryptor(
  target: Program | ParametersLiteral,
  keys: Pick<OwnerKeys, 'secretKey' | 'resultSecretKey'>,
): Promise<Decryptor> {
  const expected = 'instructions' in target ? answerType(target) : null;
  const parameters = expected?.parameters ?? checkParameters(target as ParametersLiteral);
  const secretKey = expected?.ring === 'result' ? keys.resultSecretKey : keys.secretKey;
  if (secretKey === undefined) {
    throw new FheError(
      'FHE_KEY_MISSING',
      'the answer is in the result ring, but its secret key was not given',
    );
  }
  const secret = decodeSecretKey(parameters, secretKey);
  const bridge = await createSealContext(parameters);
  const scope = new SealScope();
  scope.own({ delete: bridge.close });
  const { seal, context } = bridge;
  const key = scope.own(toSealSecretKey(bridge, createRing(parameters.ringDegree), secret));
  secret.fill(0);
  const decryptor = scope.own(new seal.Decryptor(context, key));
  const encoder = scope.own(new seal.CKKSEncoder(context));

  return {
    decrypt(bytes) {
      const ciphertext = decodeCiphertext(parameters, bytes);
      if (expected !== null) {
        const { level, scale } = expected;
        if (ciphertext.level !== level || Math.abs(ciphertext.scale / scale - 1) > 2 ** -20) {
          throw new FheError(
            'FHE_FORMAT',
            `ciphertext of level ${ciphertext.level} and scale ${ciphertext.scale}: the answer has level ${level} and scale ${scale}`,
          );
        }
      }
      using temporary = new SealScope();
      return guardSeal('decrypt', () => {
        const source = temporary.own(toSealCiphertext(bridge, ciphertext));
        const plaintext = temporary.own(new seal.Plaintext());
        decryptor.decrypt(source, plaintext);
        const slots: Float64Array = encoder.decodeFloat64(plaintext);
        return slots.slice();
      });
    },
    close() {
      scope[Symbol.dispose]();
    },
  };
}

function answerType(program: Program): {
  parameters: Parameters;
  level: number;
  scale: number;
  ring: 'main' | 'result';
} {
  const { resultParameters, registers, output } = verifyProgram(program);
  const { level, scale, ring } = registers.get(output)!;
  return { parameters: resultParameters, level, scale, ring };
}
