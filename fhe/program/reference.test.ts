import { describe, expect, it } from 'vitest';
import { createDecryptor } from '../secret/decryptor.ts';
import { encryptInputs } from '../secret/encrypt.ts';
import { createOwnerKeys } from '../secret/owner-keys.ts';
import { testParameters, worstError } from '../testing/parameters.ts';
import { makeMaterial, testPicture, testPrograms, testScale } from '../testing/programs.ts';
import { runClear } from './clear.ts';
import { createReferenceInterpreter } from './reference.ts';
import { verifyProgram } from './verifier.ts';

/**
 * log2 of the largest error of any slot before it is divided by the scale of the inputs; two bits above what was observed. Rescaling at
 * size 3 multiplies the rounding error by s² (fhe/README.md).
 */
const NOISE_BITS: Readonly<Record<string, number>> = {
  encrypt: 14.5,
  'encrypt-low': 18,
  'rotate-fold': 20,
  inner: 15.5,
  'rotate-inner': 18,
  'giant-steps': 18,
  'turned-giant-steps': 18,
  'square-unrelinearized': 24.5,
  'drop-level': 17.5,
  chain: 19,
};

type Case = {
  readonly ringDegree: number;
  readonly levels: number;
  readonly bits: number;
  /** Names of programs; all where absent. */
  readonly only?: readonly string[];
};

describe.each([
  { ringDegree: 4096, levels: 3, bits: 26 },
  { ringDegree: 8192, levels: 4, bits: 30, only: ['rotate-fold', 'chain'] },
] as readonly Case[])('reference beside clear, N = $ringDegree', ({ ringDegree, levels, bits, only }) => {
  const parameters = testParameters(ringDegree, levels, { bits });
  const owner = createOwnerKeys(parameters);

  const programs = testPrograms(parameters).filter(({ program }) => only?.includes(program.name) ?? true);

  it.each(programs)('$program.name', async (test) => {
    const { program, constants } = test;
    const { keys, material } = await makeMaterial(test, await owner);
    const interpreter = await createReferenceInterpreter(material);
    const decryptor = await createDecryptor(verifyProgram(program), keys);
    try {
      const clear = runClear(verifyProgram(program), constants, testPicture);
      const { ciphertext, timings } = interpreter.run(testPicture);
      const bound = 2 ** NOISE_BITS[program.name]! / testScale(parameters);
      const worst = worstError(decryptor.decrypt(ciphertext), clear);
      expect(worst).toBeLessThan(bound);
      expect(worst).toBeGreaterThan(0);
      expect(timings.encryptMs).toBeGreaterThan(0);
      const inputs = await encryptInputs(verifyProgram(program), keys.secretKey, testPicture);
      const first = interpreter.runEncrypted(inputs);
      expect(interpreter.runEncrypted(inputs)).toEqual(first);
      expect(worstError(decryptor.decrypt(first), clear)).toBeLessThan(bound);
    } finally {
      decryptor.close();
      await interpreter.close();
    }
  });
});

it('is more precise with centered digits than SEAL is without', async () => {
  const parameters = testParameters(4096, 3, { bits: 26 });
  const test = testPrograms(parameters).find(({ program }) => program.name === 'rotate-fold')!;
  const clear = runClear(verifyProgram(test.program), test.constants, testPicture);
  const kinds = ['centered', 'seal'] as const;
  const errors = { centered: 0, seal: 0 };
  // The sum of digits of one sign depends on the keys: of 60 pairs one had 3.9 times the error, half more than 8 times, one 25 times.
  for (let pair = 0; pair < 3; pair++) {
    const { keys, material } = await makeMaterial(test, await createOwnerKeys(parameters));
    const decryptor = await createDecryptor(verifyProgram(test.program), keys);
    for (const digits of kinds) {
      const interpreter = await createReferenceInterpreter(material, { digits });
      errors[digits] += worstError(decryptor.decrypt(interpreter.run(testPicture).ciphertext), clear);
      await interpreter.close();
    }
    decryptor.close();
  }
  expect(errors.seal / errors.centered).toBeGreaterThan(2.5);
});
