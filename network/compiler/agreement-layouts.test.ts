import { describe, expect, it } from 'vitest';
import { checkParameters, createEngineInterpreter, createReferenceInterpreter } from '#fhe';
import { runClear } from '#fhe/design';
import { createDecryptor, createOwnerKeys, encryptConstants, makeEvaluationKeys } from '#fhe/secret';
import type { Graph } from '#network/model/graph.ts';
import { SeededRandom } from '#network/model/random.ts';
import { randomStack, type StackPart } from '#network/testing/random-stack.ts';
import { randomPictures } from '#network/testing/small-graphs.ts';
import { fillConstants } from './emit/fill-constants.ts';
import { writeProgram } from './emit/write-program.ts';
import { lowerSteps } from './lowering/lower-steps.ts';
import { registerDepths } from './lowering/register-depths.ts';
import { runSteps } from './lowering/run-steps.ts';
import { chooseParameters } from './packing/choose-parameters.ts';
import { layoutProblem } from './packing/layout-problem.ts';
import { priceLayouts } from './packing/price-layouts.ts';
import type { SlotLayout } from './packing/slot-layout.ts';

/** Choices of layouts: `BLINDSIGHT_LAYOUTS=500 npx vitest run network/compiler/agreement-layouts.test.ts`. */
const CHOICES = Number(process.env.BLINDSIGHT_LAYOUTS ?? 4);
const SIDE = 4;
/** Six maps: two ciphertexts of four, or three of two. */
const stack = (...parts: StackPart[]): Graph => randomStack(3, parts, { side: SIDE, maps: 6 });

/** A problem, and a way to write a program with any choice of its layouts. */
function chooser(graph: Graph) {
  const network = lowerSteps(graph);
  const parameters = chooseParameters(registerDepths(network).at(-1)!);
  const problem = layoutProblem(network, parameters.literal.ringDegree / 2, parameters.cost);
  const write = (chosen: ReadonlyMap<number, SlotLayout>) => {
    const planned = { network, plan: priceLayouts(problem, chosen)!, regions: 1, ...parameters };
    const { verified, recipes, expected } = writeProgram(planned, 'chosen');
    return { verified, expected, constants: fillConstants(recipes, planned) };
  };
  return { network, problem, write };
}

/** The largest error of any slot of an answer relative to the largest logit: of copies of logits, and of slots that must be zero. */
function worstSlot(slots: Float64Array, expected: Int32Array, truth: ArrayLike<number>): number {
  const largest = Math.max(...Array.from(truth, Math.abs));
  let worst = 0;
  expected.forEach((logit, slot) => {
    if (logit >= -1) worst = Math.max(worst, Math.abs(slots[slot]! - (truth[logit] ?? 0)));
  });
  return worst / largest;
}

describe('AgreementLayouts', () => {
  it('computes the same in any layouts', () => {
    const { network, problem, write } = chooser(stack('conv', 'strided'));
    const [picture] = randomPictures(4, 1, SIDE * SIDE);
    const truth = runSteps(network, picture!);
    const random = new SeededRandom(7);
    for (let i = 0; i < CHOICES; i++) {
      const chosen = new Map(
        [...problem.candidates].map(([key, list]) => [
          key,
          list[Math.floor(random.uniform() * list.length)]!,
        ]),
      );
      const { verified, constants, expected } = write(chosen);
      const names = [...chosen.values()].map(({ name }) => name).join('; ');
      expect(worstSlot(runClear(verified, constants, picture!), expected, truth), names).toBeLessThan(1e-6);
    }
  }, 300_000);

  it.each<[string, StackPart[], (layout: SlotLayout) => boolean]>([
    [
      'maps fill several ciphertexts in part',
      ['conv'],
      ({ name, ciphertexts }) => ciphertexts === 3 && name.endsWith('blocks each, folded'),
    ],
    [
      'gaps are summed',
      ['conv', 'strided'],
      ({ name, ciphertexts }) => ciphertexts === 1 && name.endsWith('gap 2 summed 2×2, folded'),
    ],
  ])(
    'computes the same in all interpreters where %s',
    async (_, parts, wanted) => {
      const { network, problem, write } = chooser(stack(...parts));
      const chosen = new Map(
        [...problem.candidates].map(([key, list]) => [key, list.find(wanted) ?? list[0]!]),
      );
      expect([...chosen.values()].filter(wanted)).toHaveLength(1);
      const { verified, constants, expected } = write(chosen);
      const [picture] = randomPictures(4, 1, SIDE * SIDE);
      const truth = runSteps(network, picture!);
      const keys = await createOwnerKeys(
        checkParameters(verified.program.parameters),
        verified.program.resultRing,
      );
      const material = {
        program: verified,
        constants: await encryptConstants(verified, keys.secretKey, constants),
        publicKey: keys.publicKey,
        evaluationKeys: await makeEvaluationKeys(verified, keys),
      };
      const decryptor = await createDecryptor(verified, keys);
      for (const opening of [
        createEngineInterpreter(material, { threads: 1 }),
        createReferenceInterpreter(material),
      ]) {
        const interpreter = await opening;
        const slots = decryptor.decrypt(interpreter.run(picture!).ciphertext);
        expect(worstSlot(slots, expected, truth), interpreter.kind).toBeLessThan(0.02);
        await interpreter.close();
      }
      decryptor.close();
    },
    300_000,
  );
});
