import { describe, expect, it } from 'vitest';
import type { Ciphertext } from '../ckks/ciphertext.ts';
import { createEncoder } from '../ckks/encoder.ts';
import { decodeEvaluationKeys } from '../ckks/evaluation-keys.ts';
import { decodeCiphertext, encodeCiphertext, encodeSeededCiphertext } from '../ckks/serialization.ts';
import type { Program } from '../program/program.ts';
import { verifyProgram } from '../program/verifier.ts';
import { galoisElement, nttPermutation } from '../ring/automorphism.ts';
import { mulMod } from '../ring/modular.ts';
import { createRing } from '../ring/ring.ts';
import { keySwitchTwin } from '../testing/key-switch-twin.ts';
import { randomSlots, testParameters, worstError } from '../testing/parameters.ts';
import { testPrograms } from '../testing/programs.ts';
import { createDecryptor } from './decryptor.ts';
import { makeEvaluationKeys } from './evaluation-keys.ts';
import { createOwnerKeys } from './owner-keys.ts';
import { decodeSecretKey } from './secret-key.ts';
import { createSymmetricEncryptor } from './symmetric.ts';

const degree = 8192;
const scale = 2 ** 26;

describe.each([
  // At the top, at the bottom, and with a partial last digit.
  { special: 1, levels: 4, at: [3, 0] },
  { special: 2, levels: 5, at: [4, 2] },
  { special: 3, levels: 4, at: [3, 1] },
])('hybrid keys, α = $special, $levels data primes', ({ special, levels, at }) => {
  const parameters = testParameters(degree, levels, { special });
  const ring = createRing(degree);
  const values = randomSlots(parameters.slots, 11);
  const step = 3;

  it('switch keys at their level and below, in every slot alike', async () => {
    const [base] = testPrograms(parameters);
    const program: Program = {
      ...base!.program,
      instructions: [
        { op: 'encrypt', out: 0, input: 0 },
        { op: 'rotate', out: 1, source: 0, step },
        { op: 'square', out: 2, source: 1 },
        { op: 'relinearize', out: 3, source: 2 },
        { op: 'output', source: 3 },
      ],
    };
    const owner = await createOwnerKeys(parameters);
    const keys = decodeEvaluationKeys(parameters, await makeEvaluationKeys(verifyProgram(program), owner));
    const secret = decodeSecretKey(parameters, owner.secretKey);
    const encryptor = createSymmetricEncryptor(parameters, ring, createEncoder(parameters, ring), secret);
    const decryptor = await createDecryptor(parameters, owner);
    const decrypt = (ciphertext: Ciphertext): Float64Array =>
      decryptor.decrypt(encodeCiphertext(parameters, ciphertext));

    for (const level of at) {
      const { residues } = decodeCiphertext(
        parameters,
        encodeSeededCiphertext(parameters, encryptor.encrypt(values, { level, scale, modulus: 'Q' })),
      );
      const span = (level + 1) * degree;
      const [c0, c1] = [residues.subarray(0, span), residues.subarray(span)];
      const add = (left: Uint32Array, right: Uint32Array): Uint32Array =>
        left.map((value, i) => (value + right[i]!) % parameters.moduli[Math.floor(i / degree)]!);
      const join = (...parts: Uint32Array[]): Uint32Array => {
        const all = new Uint32Array(parts.length * span);
        parts.forEach((part, i) => {
          all.set(part, i * span);
        });
        return all;
      };

      const permutation = nttPermutation(galoisElement(step, degree), degree);
      const rotate = (part: Uint32Array): Uint32Array =>
        part.map((_, i) => part[i - (i % degree) + permutation[i % degree]!]!);
      const [d0, d1] = keySwitchTwin(parameters, ring, rotate(c1), level, keys.rotations.get(step)!);
      const rotated = decrypt({ size: 2, level, scale, residues: join(add(rotate(c0), d0), d1) });
      const expected = values.map((_, i) => values[(i + step) % values.length]!);
      // Centered digits: the worst of 4096 slots stays near the typical one, 2^14 (fhe/README.md).
      expect(worstError(rotated, expected)).toBeLessThan(2 ** 18 / scale);

      // A square fits level 0 only at a small scale.
      const small = level === 0 ? 2 ** 13 : scale;
      const factor = decodeCiphertext(
        parameters,
        encodeSeededCiphertext(parameters, encryptor.encrypt(values, { level, scale: small, modulus: 'Q' })),
      ).residues;
      const [f0, f1] = [factor.subarray(0, span), factor.subarray(span)];
      const multiply = (left: Uint32Array, right: Uint32Array): Uint32Array =>
        left.map((value, i) => mulMod(value, right[i]!, parameters.moduli[Math.floor(i / degree)]!));
      const cross = multiply(f0, f1);
      const square = [multiply(f0, f0), add(cross, cross), multiply(f1, f1)] as const;
      const [e0, e1] = keySwitchTwin(parameters, ring, square[2], level, keys.relinearization!);
      const after = decrypt({
        size: 2,
        level,
        scale: small * small,
        residues: join(add(square[0], e0), add(square[1], e1)),
      });
      const squares = values.map((value) => value * value);
      const bound = 2 ** 18 / (small * small) + 2 ** 14 / small;
      expect(worstError(after, squares)).toBeLessThan(bound);
    }
    decryptor.close();
  });
});
