import { describe, expect, it } from 'vitest';
import {
  checkParameters,
  createEngineInterpreter,
  createReferenceInterpreter,
  type Interpreter,
  type InterpreterMaterial,
  verifyProgram,
} from '#fhe';
import {
  createDecryptor,
  createOwnerKeys,
  encryptConstants,
  encryptInputs,
  makeEvaluationKeys,
} from '#fhe/secret';
import { SeededRandom } from '#network/model/random.ts';
import { randomStack, STACK_PARTS, type StackPart } from '#network/testing/random-stack.ts';
import { randomPictures } from '#network/testing/small-graphs.ts';
import { compileNetwork } from './compile.ts';
import { explainSketch } from './explain/explain-network.ts';
import { interpretationError } from './interpretation-error.ts';
import { calibrateSteps } from './lowering/calibrate-steps.ts';
import { lowerSteps } from './lowering/lower-steps.ts';
import { runSteps } from './lowering/run-steps.ts';

const SIDE = 4;

/**
 * Random stacks through the engine, on demand: `BLINDSIGHT_STACKS=20 BLINDSIGHT_SEED=7 npx vitest run network/compiler/agreement-stacks.test.ts`.
 */
const STACKS = Number(process.env.BLINDSIGHT_STACKS ?? 1);
const SEED = Number(process.env.BLINDSIGHT_SEED ?? 1);
/** Errors of encrypted answers relative to the calibrated range: the decryptor's tolerance. */
const TOLERANCE = 2 ** -10;

/** Runs one picture through both interpreters (the reference supports one special prime only) and reads the answers. */
async function measure(
  parts: readonly StackPart[],
  seed: number,
  kinds: readonly Interpreter['kind'][],
): Promise<{
  specialPrimes: number;
  /** Worst slot error relative to the calibrated range, by interpreter. */
  errors: Record<string, number>;
  precisionBits: number;
}> {
  const graph = randomStack(seed, parts, { side: SIDE, maps: 2 });
  const network = lowerSteps(graph);
  const pictures = randomPictures(3, 30, SIDE * SIDE);
  const ranges = calibrateSteps(network, Float32Array.from(pictures.flatMap((picture) => [...picture])));
  const compiled = compileNetwork(graph, {
    labels: ['a', 'b', 'c'],
    activationRanges: ranges.activations,
    logitRange: ranges.logits,
  });
  const { program, constants, interpretation } = compiled;
  const keys = await createOwnerKeys(checkParameters(program.parameters), program.resultRing);
  const material: InterpreterMaterial = {
    program: verifyProgram(program),
    constants: await encryptConstants(verifyProgram(program), keys.secretKey, constants),
    publicKey: keys.publicKey,
    evaluationKeys: await makeEvaluationKeys(verifyProgram(program), keys),
  };
  const specialPrimes = program.parameters.specialModuli.length;
  const opening: Promise<Interpreter>[] = [];
  if (kinds.includes('engine')) opening.push(createEngineInterpreter(material, { threads: 1 }));
  if (kinds.includes('reference')) opening.push(createReferenceInterpreter(material));
  const decryptor = await createDecryptor(verifyProgram(program), keys);
  const errors: Record<string, number> = {};
  const picture = pictures[0]!;
  const truth = runSteps(network, picture);
  const inputs = await encryptInputs(verifyProgram(program), keys.secretKey, picture);
  for (const interpreter of await Promise.all(opening)) {
    const answers = [interpreter.run(picture).ciphertext, interpreter.runEncrypted(inputs)];
    const worst = answers.map((answer) => {
      const { logitError, emptySlot } = interpretationError(decryptor.decrypt(answer), interpretation, truth);
      return Math.max(logitError, emptySlot) / interpretation.range;
    });
    errors[interpreter.kind] = Math.max(...worst);
    await interpreter.close();
  }
  decryptor.close();
  return {
    specialPrimes,
    errors,
    precisionBits: explainSketch({ ...compiled, notes: [] }).precisionBits,
  };
}

describe('AgreementStacks', () => {
  it('answers like the clear network in both interpreters, with joined branches', async () => {
    const { specialPrimes, errors } = await measure(['inception', 'dense'], 5, ['engine', 'reference']);
    expect(specialPrimes).toBe(1);
    expect(Object.keys(errors)).toEqual(['engine', 'reference']);
    for (const error of Object.values(errors)) expect(error).toBeLessThan(TOLERANCE);
  }, 300_000);

  it('answers like the clear network with a projected shortcut, on digits of several limbs', async () => {
    const { specialPrimes, errors, precisionBits } = await measure(['strided', 'projection'], 5, ['engine']);
    expect(specialPrimes).toBeGreaterThan(1);
    expect(errors.engine).toBeLessThan(TOLERANCE);
    // The estimate promises no more than was achieved.
    expect(precisionBits).toBeLessThan(-Math.log2(errors.engine!) + 2);
  }, 300_000);

  it('answers like the clear network with a way around that is linear through two blocks', async () => {
    const { errors } = await measure(['conv', 'around', 'around'], 3, ['engine']);
    expect(errors.engine).toBeLessThan(TOLERANCE);
  }, 300_000);

  it(
    `answers like the clear network for ${STACKS} random stacks`,
    async () => {
      const random = new SeededRandom(SEED);
      const pick = (): StackPart => STACK_PARTS[Math.floor(random.uniform() * STACK_PARTS.length)]!;
      for (let i = 0; i < STACKS; i++) {
        const parts = Array.from({ length: 1 + (i % 2) }, pick);
        const { errors } = await measure(parts, SEED + i, ['engine']);
        expect(errors.engine, `${parts.join(', ')}, seed ${SEED + i}`).toBeLessThan(TOLERANCE);
      }
    },
    300_000 + 60_000 * STACKS,
  );
});
