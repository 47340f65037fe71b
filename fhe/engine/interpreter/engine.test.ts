import { describe, expect, it } from 'vitest';
import { findPrimes } from '../../ckks/parameters.ts';
import { FheError } from '../../errors.ts';
import { runClear } from '../../program/clear.ts';
import { createReferenceInterpreter } from '../../program/reference.ts';
import { verifyProgram } from '../../program/verifier.ts';
import { createDecryptor } from '../../secret/decryptor.ts';
import { encryptInputs } from '../../secret/encrypt.ts';
import { createOwnerKeys } from '../../secret/owner-keys.ts';
import { createOpener } from '../../testing/open-ciphertext.ts';
import { testParameters, worstError } from '../../testing/parameters.ts';
import {
  makeMaterial,
  switchRingProgram,
  testPicture,
  testPrograms,
  testScale,
} from '../../testing/programs.ts';
import { createEngineInterpreter } from './engine.ts';
import { createSecondLane } from './second-lane.ts';

/**
 * log2 of the largest error of any slot before it is divided by the scale of the inputs. Compare the table of reference.test.ts: centered digits
 * save up to seven bits.
 */
const NOISE_BITS: Readonly<Record<string, number>> = {
  encrypt: 14.5,
  'encrypt-low': 17.5,
  'rotate-fold': 19.5,
  inner: 15,
  'rotate-inner': 17.5,
  'giant-steps': 17.5,
  'turned-giant-steps': 17.5,
  'square-unrelinearized': 24.5,
  'drop-level': 17,
  chain: 19,
};

type Case = {
  readonly ringDegree: number;
  readonly levels: number;
  readonly special: number;
  readonly bits: number;
  readonly build: 'release' | 'debug';
  /** Names of programs; all where absent. */
  readonly only?: readonly string[];
};

describe.each([
  { ringDegree: 4096, levels: 3, special: 1, bits: 26, build: 'release' },
  {
    ringDegree: 8192,
    levels: 4,
    special: 1,
    bits: 30,
    build: 'debug',
    only: ['rotate-fold', 'inner', 'rotate-inner', 'drop-level', 'chain'],
  },
  {
    ringDegree: 8192,
    levels: 5,
    special: 2,
    bits: 30,
    build: 'release',
    only: ['rotate-fold', 'giant-steps', 'rotate-inner', 'chain'],
  },
  {
    ringDegree: 16384,
    levels: 5,
    special: 4,
    bits: 30,
    build: 'debug',
    only: ['rotate-fold', 'rotate-inner'],
  },
] as readonly Case[])(
  'engine beside clear, N = $ringDegree, α = $special, $build',
  ({ ringDegree, levels, special, bits, build, only }) => {
    const parameters = testParameters(ringDegree, levels, { special, bits });
    const owner = createOwnerKeys(parameters);

    const programs = testPrograms(parameters).filter(({ program }) => only?.includes(program.name) ?? true);

    it.each(programs)('$program.name', async (test) => {
      const { program, constants } = test;
      const { keys, material } = await makeMaterial(test, await owner);
      const engine = await createEngineInterpreter(material, { threads: 1, build });
      const pair = await createEngineInterpreter(material, { threads: 2 });
      const open = createOpener(program, keys);
      try {
        const clear = runClear(verifyProgram(program), constants, testPicture);
        // In a larger ring a slot sums more coefficients: half a bit for each doubling.
        const bits = NOISE_BITS[program.name]! + Math.max(0, Math.log2(ringDegree / 8192));
        const bound = 2 ** bits / testScale(parameters);
        const { ciphertext, timings } = engine.run(testPicture);
        const worst = worstError(open(ciphertext), clear);
        expect(worst).toBeLessThan(bound);
        expect(worst).toBeGreaterThan(0);
        expect(timings.encryptMs).toBeGreaterThan(0);
        expect(timings.evaluateMs).toBeGreaterThan(0);
        expect(engine.run(testPicture).ciphertext).not.toEqual(ciphertext);

        const inputs = await encryptInputs(verifyProgram(program), keys.secretKey, testPicture);
        const first = engine.runEncrypted(inputs);
        expect(worstError(open(first), clear)).toBeLessThan(bound);
        for (let i = 0; i < 3; i++) expect(Buffer.compare(pair.runEncrypted(inputs), first)).toBe(0);
        expect(worstError(open(pair.run(testPicture).ciphertext), clear)).toBeLessThan(bound);
      } finally {
        await engine.close();
        await pair.close();
      }
    });
  },
);

describe('engine', () => {
  const parameters = testParameters(8192, 4);
  const programs = testPrograms(parameters);
  const named = (name: string) => programs.find(({ program }) => program.name === name)!;

  it('agrees with the reference on the same encrypted inputs', async () => {
    const test = named('chain');
    const { keys, material } = await makeMaterial(test);
    const inputs = await encryptInputs(verifyProgram(test.program), keys.secretKey, testPicture);
    const engine = await createEngineInterpreter(material);
    const reference = await createReferenceInterpreter(material);
    const decryptor = await createDecryptor(verifyProgram(test.program), keys);
    const difference = worstError(
      decryptor.decrypt(engine.runEncrypted(inputs)),
      decryptor.decrypt(reference.runEncrypted(inputs)),
    );
    expect(difference).toBeLessThan(2 ** 23 / testScale(parameters));
    decryptor.close();
    await engine.close();
    await reference.close();
  });

  it.each([
    ['q₀ itself', parameters.moduli[0]!],
    ['a prime of 24 bits', findPrimes(2048, 24, 1)[0]!],
  ])('answers in the small ring modulo %s as the reference does', async (_, modulus) => {
    const test = switchRingProgram(parameters, modulus);
    const { keys, material } = await makeMaterial(test);
    const engine = await createEngineInterpreter(material);
    const reference = await createReferenceInterpreter(material);
    const inputs = await encryptInputs(verifyProgram(test.program), keys.secretKey, testPicture);
    const answer = engine.runEncrypted(inputs);
    expect(Buffer.compare(answer, reference.runEncrypted(inputs))).toBe(0);
    const decryptor = await createDecryptor(verifyProgram(test.program), keys);
    const { scale } = verifyProgram(test.program).registers.get(2)!;
    const clear = runClear(verifyProgram(test.program), test.constants, testPicture);
    const slots = decryptor.decrypt(engine.run(testPicture).ciphertext);
    // As in switch-ring.test.ts.
    const rounding = modulus > 2 ** 24 ? 2 ** 16 : 2 ** 14;
    expect(worstError(slots, clear)).toBeLessThan(2 ** 13 / testScale(parameters) + rounding / scale);
    decryptor.close();
    await engine.close();
    await reference.close();
  });

  it('answers on a second lane with the same bytes', async () => {
    const { material } = await makeMaterial(named('chain'));
    const engine = await createEngineInterpreter(material, { threads: 2 });
    const seed = new Uint8Array(32).fill(7);
    const other = testPicture.map((value) => 1 - value);
    const alone = engine.run(testPicture, seed).ciphertext;
    const second = createSecondLane(engine.share()!, 2);
    expect(Buffer.compare(second.run(testPicture, seed).ciphertext, alone)).toBe(0);
    expect(second.run(other, seed, 1).ciphertext).not.toEqual(alone);
    expect(Buffer.compare(engine.run(testPicture, seed, 1).ciphertext, alone)).toBe(0);
    await second.close();
    await engine.close();
  });

  it('refuses pictures, inputs and material that do not fit', async () => {
    const test = named('rotate-inner');
    const { keys, material } = await makeMaterial(test);
    const engine = await createEngineInterpreter(material, { threads: 1 });
    expect(() => engine.run(new Float32Array(63))).toThrow('63 values');
    expect(() => engine.run(new Float32Array(64).fill(2))).toThrow('expected 0 to 1');
    expect(() => engine.runEncrypted([])).toThrow('0 inputs');
    const [input] = await encryptInputs(verifyProgram(test.program), keys.secretKey, testPicture);
    expect(() => engine.runEncrypted([input!.subarray(0, -1)])).toThrow(FheError);
    await engine.close();
    await engine.close();
    expect(() => engine.run(testPicture)).toThrow('closed');
    const other = await makeMaterial(named('chain'), keys);
    await expect(
      createEngineInterpreter({ ...material, evaluationKeys: other.material.evaluationKeys }),
    ).rejects.toMatchObject({ code: 'FHE_KEY_MISSING' });
  });
});
