import { createEncoder } from '../ckks/encoder.ts';
import { answerFormOf } from '../program/answer-form-of.ts';
import type { Program } from '../program/program.ts';
import { verifyProgram } from '../program/verifier.ts';
import { addMod, mulMod } from '../ring/modular.ts';
import { createRing } from '../ring/ring.ts';
import type { OwnerKeys } from '../secret/owner-keys.ts';
import { decodeSecretKey, secretResidues } from '../secret/secret-key.ts';

/**
 * Decryption by its definition, c₀ + c₁·s + c₂·s², without SEAL, whose context takes up to a second for each level. For tests of
 * arithmetic; product code decrypts with `createDecryptor`.
 */
export function createOpener(program: Program, keys: OwnerKeys): (answer: Uint8Array) => Float64Array {
  const verified = verifyProgram(program);
  const parameters = verified.resultParameters;
  const { moduli, ringDegree: degree } = parameters;
  const form = answerFormOf(verified);
  const ring = createRing(degree);
  const encoder = createEncoder(parameters, ring);
  const key = program.resultRing === undefined ? keys.secretKey : keys.resultSecretKey!;
  const secret = secretResidues(ring, decodeSecretKey(parameters, key), moduli);
  return (answer) => {
    const { size, level, scale, residues } = form.decode(answer);
    const span = (level + 1) * degree;
    const message = residues.slice((size - 1) * span);
    for (let component = size - 2; component >= 0; component--) {
      for (let i = 0; i < span; i++) {
        const q = moduli[Math.floor(i / degree)]!;
        message[i] = addMod(mulMod(message[i]!, secret[i]!, q), residues[component * span + i]!, q);
      }
    }
    return encoder.decode(message, { level, scale });
  };
}
