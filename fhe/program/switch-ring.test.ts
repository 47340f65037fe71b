import { describe, expect, it } from 'vitest';
import { decodeEvaluationKeys, encodeEvaluationKeys, evaluationKeysBytes } from '../ckks/evaluation-keys.ts';
import { findPrimes } from '../ckks/parameters.ts';
import { FheError } from '../errors.ts';
import { createDecryptor } from '../secret/decryptor.ts';
import { makeEvaluationKeys } from '../secret/evaluation-keys.ts';
import { testParameters, worstError } from '../testing/parameters.ts';
import { makeMaterial, switchRingProgram, testPicture, testScale } from '../testing/programs.ts';
import { runClear } from './clear.ts';
import { decodeProgram, encodeProgram } from './codec.ts';
import { createReferenceInterpreter } from './reference.ts';
import { verifyProgram } from './verifier.ts';

describe.each([
  { ringDegree: 4096, levels: 2, small: false },
  { ringDegree: 4096, levels: 2, small: true },
  { ringDegree: 8192, levels: 3, small: true },
  { ringDegree: 16384, levels: 2, small: false },
])('switch-ring from N = $ringDegree, modulus of 24 bits: $small', ({ ringDegree, levels, small }) => {
  const parameters = testParameters(ringDegree, levels, { bits: 30 });
  const modulus = small ? findPrimes(2048, 24, 1)[0]! : parameters.moduli[0]!;

  it('answers under the result key', async () => {
    const test = switchRingProgram(parameters, modulus);
    expect(decodeProgram(encodeProgram(test.program))).toEqual(test.program);
    const { keys, material } = await makeMaterial(test);
    const interpreter = await createReferenceInterpreter(material);
    const decryptor = await createDecryptor(verifyProgram(test.program), keys);
    try {
      const { ciphertext } = interpreter.run(testPicture);
      // A frame of 32 bytes, then 21 + 27 bits a coefficient, or all bits of a small modulus but one.
      expect(ciphertext.length).toBe(32 + (2048 * (small ? 21 + 23 : 48)) / 8);
      const slots = decryptor.decrypt(ciphertext);
      const clear = runClear(verifyProgram(test.program), test.constants, testPicture);
      expect(slots.length).toBe(1024);
      const { scale } = verifyProgram(test.program).registers.get(2)!;
      // Rounding by P′ leaves about 2^9 in a slot, the worst of 1024 a few times that; the mean averages the rest away. The compact form
      // leaves 2^12.4 modulo q₀ and 2^9.6 modulo 24 bits, the worst eight times that.
      const bound = 2 ** 13 / testScale(parameters) + 2 ** (small ? 14 : 16) / scale;
      expect(worstError(slots, clear)).toBeLessThan(bound);
    } finally {
      decryptor.close();
      await interpreter.close();
    }
  });
});

describe('switch-ring', () => {
  const parameters = testParameters(8192, 3);
  const test = switchRingProgram(parameters, parameters.moduli[0]!);

  it('needs the key for its ring, and the secret of the result to make it', async () => {
    const { keys, material } = await makeMaterial(test);
    const { requirements } = verifyProgram(test.program);
    expect(requirements).toEqual({ relinearizationLevel: null, rotations: [], ringSwitch: 2048 });
    expect(material.evaluationKeys.length).toBe(evaluationKeysBytes(parameters, requirements));
    const made = decodeEvaluationKeys(parameters, material.evaluationKeys);
    expect(encodeEvaluationKeys(parameters, made)).toEqual(material.evaluationKeys);
    const none = encodeEvaluationKeys(parameters, { relinearization: null, rotations: new Map() });
    await expect(createReferenceInterpreter({ ...material, evaluationKeys: none })).rejects.toThrow(
      'ring-switching key: missing',
    );
    const { secretKey, publicKey } = keys;
    await expect(
      makeEvaluationKeys(verifyProgram(test.program), { secretKey, publicKey }),
    ).rejects.toMatchObject({
      code: 'FHE_KEY_MISSING',
    });
  });

  it('does not open stored weights or inputs: the result key is another key', async () => {
    const { keys } = await makeMaterial(test);
    expect(keys.resultSecretKey).toBeDefined();
    expect(keys.resultSecretKey!.length).toBe(24 + 2048);
    const { resultSecretKey } = keys;
    await expect(createDecryptor(parameters, { secretKey: resultSecretKey! })).rejects.toThrow(FheError);
    // The running decryptor holds no more than this.
    const online = await createDecryptor(verifyProgram(test.program), {
      secretKey: new Uint8Array(),
      resultSecretKey: resultSecretKey!,
    });
    online.close();
  });

  it('is the last step, at level 0, in a ring that is secure with the key', () => {
    const change = (
      instructions: typeof test.program.instructions,
      ring = test.program.resultRing,
    ): string => {
      try {
        verifyProgram({ ...test.program, instructions, ...(ring === undefined ? {} : { resultRing: ring }) });
        return 'accepted';
      } catch (error) {
        return (error as Error).message;
      }
    };
    const [encrypt, drop, turn, output] = test.program.instructions as [never, never, never, never];
    expect(change([encrypt, drop, turn, output])).toBe('accepted');
    expect(change([encrypt, { op: 'switch-ring', out: 2, source: 0 }, output])).toContain(
      'at level 2: expected 0',
    );
    expect(change([encrypt, drop, { op: 'output', source: 1 }])).toContain('must be in the result ring');
    expect(change([encrypt, drop, turn, { op: 'square', out: 3, source: 2 }])).toContain('left the ring');
    expect(change([encrypt, drop, turn, output], { ringDegree: 1024, modulus: 12289 })).toContain(
      'ring degree 1024',
    );
    expect(
      change([encrypt, drop, turn, output], { ringDegree: 16384, modulus: findPrimes(16384, 24, 1)[0]! }),
    ).toContain('larger than the ring');
  });
});
