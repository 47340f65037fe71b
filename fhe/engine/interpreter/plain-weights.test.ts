import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { runClear } from '../../program/clear.ts';
import { decodeProgram, encodeProgram } from '../../program/codec.ts';
import { encodePlainConstants, type PlainMaterial, withPlainWeights } from '../../program/plain-weights.ts';
import { createReferenceInterpreter } from '../../program/reference.ts';
import { verifyProgram } from '../../program/verifier.ts';
import { makeEvaluationKeys } from '../../secret/evaluation-keys.ts';
import { createOwnerKeys, type OwnerKeys } from '../../secret/owner-keys.ts';
import { createOpener } from '../../testing/open-ciphertext.ts';
import { testParameters, worstError } from '../../testing/parameters.ts';
import {
  makeMaterial,
  type TestProgram,
  testPicture,
  testPrograms,
  testScale,
} from '../../testing/programs.ts';
import { createEngineInterpreter } from './engine.ts';
import { planProgram } from './plan.ts';

/** As of encrypted weights, see engine.test.ts: what a product with a plain one adds is less. */
const NOISE_BITS = 19;
const WEIGHTED = ['inner', 'giant-steps', 'turned-giant-steps', 'rotate-inner', 'chain'];

async function plainMaterial({ program, constants }: TestProgram, keys: OwnerKeys): Promise<PlainMaterial> {
  const verified = verifyProgram(withPlainWeights(program));
  return {
    program: verified,
    constants: encodePlainConstants(verified, constants),
    publicKey: keys.publicKey,
    evaluationKeys: await makeEvaluationKeys(verified, keys),
  };
}

describe.each([
  { levels: 4, special: 1 },
  { levels: 5, special: 2 },
])('plain weights beside clear, α = $special', ({ levels, special }) => {
  const parameters = testParameters(8192, levels, { special });
  const owner = createOwnerKeys(parameters);
  const programs = testPrograms(parameters).filter(({ program }) => WEIGHTED.includes(program.name));

  it.each(programs)('$program.name', async (test) => {
    expect(programs).toHaveLength(WEIGHTED.length);
    const keys = await owner;
    const material = await plainMaterial(test, keys);
    const clear = runClear(verifyProgram(test.program), test.constants, testPicture);
    const open = createOpener(material.program.program, keys);
    for (const build of ['debug', 'release'] as const) {
      const engine = await createEngineInterpreter(await plainMaterial(test, keys), { threads: 2, build });
      const worst = worstError(open(engine.run(testPicture).ciphertext), clear);
      expect(worst).toBeLessThan(2 ** NOISE_BITS / testScale(parameters));
      expect(worst).toBeGreaterThan(0);
      await engine.close();
    }
  });
});

describe('a program with plain weights', () => {
  const parameters = testParameters(8192, 4);
  const named = (name: string): TestProgram =>
    testPrograms(parameters).find(({ program }) => program.name === name)!;
  const chain = named('chain');

  it('relinearizes products of ciphertexts only, and takes the keys of that', () => {
    const { program, requirements, memoryBytes } = verifyProgram(withPlainWeights(chain.program));
    const encrypted = verifyProgram(chain.program);
    expect(program.instructions.filter(({ op }) => op === 'relinearize')).toHaveLength(1);
    expect(requirements.relinearizationLevel).toBe(parameters.maxLevel - 1);
    expect(encrypted.requirements.relinearizationLevel).toBe(parameters.maxLevel);
    expect(memoryBytes).toBeLessThan(encrypted.memoryBytes);
  });

  it('is fused as one with encrypted weights is', () => {
    const stepsOf = (name: string): string[] =>
      planProgram(withPlainWeights(named(name).program)).steps.map(({ op }) => op);
    expect(stepsOf('giant-steps')).toEqual([
      ...Array(3).fill(['inner', 'add-rotated']).flat(),
      'finish-rotated',
    ]);
    expect(stepsOf('rotate-inner')).toEqual(['rotate-inner', 'add-constant']);
  });

  it('has no form in which a gateway would take it', async () => {
    const plain = withPlainWeights(chain.program);
    expect(() => decodeProgram(encodeProgram(plain))).toThrow(/weights/);
    const { material } = await makeMaterial(chain);
    const mixed = { ...material, program: verifyProgram(plain) };
    await expect(createEngineInterpreter(mixed)).rejects.toMatchObject({ code: 'FHE_FORMAT' });
    await expect(createReferenceInterpreter(mixed)).rejects.toMatchObject({ code: 'FHE_PROGRAM' });
    const constants = encodePlainConstants(mixed.program, chain.constants);
    await expect(createEngineInterpreter({ ...material, constants })).rejects.toMatchObject({
      code: 'FHE_FORMAT',
    });
  });

  it('takes as many constants as it has', () => {
    const verified = verifyProgram(withPlainWeights(chain.program));
    for (const constants of [chain.constants.slice(1), [...chain.constants, new Float64Array(1)]])
      expect(() => [...encodePlainConstants(verified, constants)]).toThrow(/constants: the program has/);
  });

  it('is never written to disk, however little memory there is', async () => {
    const keys = await createOwnerKeys(parameters);
    const material = await plainMaterial(chain, keys);
    const little = createEngineInterpreter(material, { memoryBytes: 2 ** 22, folder: tmpdir() });
    await expect(little).rejects.toMatchObject({ code: 'FHE_TOO_LARGE' });
  });
});
