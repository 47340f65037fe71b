import { describe, expect, it } from 'vitest';
import { checkParameters } from '#fhe/ckks/parameters.ts';
import { encodeProgram } from '#fhe/program/codec.ts';
import { createEngineInterpreter } from '#fhe/program/engine.ts';
import type { Interpreter, InterpreterMaterial } from '#fhe/program/interpreter.ts';
import { createReferenceInterpreter } from '#fhe/program/reference.ts';
import { createDecryptor } from '#fhe/secret/decryptor.ts';
import { encryptConstants, encryptInputs } from '#fhe/secret/encrypt.ts';
import { makeEvaluationKeys } from '#fhe/secret/evaluation-keys.ts';
import { createOwnerKeys } from '#fhe/secret/owner-keys.ts';
import { explainSketch } from '../../explain/explain-network.ts';
import { randomStack, type StackPart } from '../../testing/random-stack.ts';
import { randomPictures } from '../../testing/small-graphs.ts';
import { interpretationError } from '../interpretation-error.ts';
import { compileGeneral } from './compile-general.ts';
import { planSteps } from './compile-steps.ts';
import { lowerSteps } from './lower-steps.ts';
import { calibrateSteps, runSteps } from './steps.ts';

const SIDE = 6;

/** Runs one picture through both interpreters (the reference knows one special prime only) and reads the answers. */
async function measure(parts: readonly StackPart[]): Promise<{
  specialPrimes: number;
  /** Worst slot error as a part of the calibrated range, by interpreter. */
  errors: Record<string, number>;
  precisionBits: number;
}> {
  const network = lowerSteps(randomStack(5, parts, { side: SIDE, maps: 2 }));
  const pictures = randomPictures(3, 30, SIDE * SIDE);
  const ranges = calibrateSteps(network, Float32Array.from(pictures.flatMap((picture) => [...picture])));
  const compiled = compileGeneral(planSteps(network), {
    labels: ['a', 'b', 'c'],
    activationRanges: ranges.activations,
    logitRange: ranges.logits,
  });
  const { program, constants, interpretation } = compiled;
  const keys = await createOwnerKeys(checkParameters(program.parameters), program.resultRing);
  const material: InterpreterMaterial = {
    program: encodeProgram(program),
    constants: await encryptConstants(program, keys.secretKey, constants),
    publicKey: keys.publicKey,
    evaluationKeys: await makeEvaluationKeys(program, keys),
  };
  const specialPrimes = program.parameters.specialModuli.length;
  const opening: Promise<Interpreter>[] = [createEngineInterpreter(material, { threads: 1 })];
  if (specialPrimes === 1) opening.push(createReferenceInterpreter(material));
  const decryptor = await createDecryptor(program, keys);
  const errors: Record<string, number> = {};
  const picture = pictures[0]!;
  const truth = runSteps(network, picture);
  const inputs = await encryptInputs(program, keys.secretKey, picture);
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
    precisionBits: explainSketch({ program, report: compiled.report, notes: [] }).precisionBits,
  };
}

describe('AgreementGeneral', () => {
  it('answers like the clear network in both interpreters', async () => {
    const { specialPrimes, errors } = await measure(['conv', 'dense']);
    expect(specialPrimes).toBe(1);
    expect(Object.keys(errors)).toEqual(['engine', 'reference']);
    for (const error of Object.values(errors)) expect(error).toBeLessThan(2 ** -10);
  }, 300_000);

  it('answers like the clear network with a shortcut, on digits of several limbs', async () => {
    const { specialPrimes, errors, precisionBits } = await measure(['conv', 'residual']);
    expect(specialPrimes).toBeGreaterThan(1);
    expect(errors.engine).toBeLessThan(2 ** -10);
    // The estimate promises no more than what came out.
    expect(precisionBits).toBeLessThan(-Math.log2(errors.engine!) + 2);
  }, 300_000);
});
