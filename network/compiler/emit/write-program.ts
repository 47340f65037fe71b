import { type PictureShape, type Program, programVersion, type VerifiedProgram, verifyProgram } from '#fhe';
import { NetworkError } from '#network/errors.ts';
import { pictureShape } from '../compile-limits.ts';
import type { PlannedNetwork } from '../packing/plan-network.ts';
import { type SlotLayout, slotContents } from '../packing/slot-layout.ts';
import { type ConstantRecipe, Emitter } from './emitter.ts';
import { refuseBeyondLimits } from './program-limits.ts';
import { writeAnswer } from './write-answer.ts';
import { writeSteps } from './write-steps.ts';

/** A program, its constants, and how to read its answer. */
export type WrittenProgram = {
  readonly verified: VerifiedProgram;
  /** One for each constant. */
  readonly recipes: readonly ConstantRecipe[];
  /** See `Interpretation.expected`. */
  readonly expected: Int32Array;
};

/** Which logit stands in which slot of an answer; −1 zero, −2 anything. */
function expectedLogits(layout: SlotLayout): Int32Array {
  if (layout.ciphertexts !== 1) {
    throw new NetworkError(
      'NETWORK_TOO_LARGE',
      `${layout.at.length} logits do not fit the ${layout.slots} slots of one answer`,
    );
  }
  return slotContents(layout).map((value) => (value < 0 && !layout.clean ? -2 : value));
}

/**
 * Writes the program of a planned network. It reads no weight: nothing in it can depend on one.
 *
 * Assumes: within the calibrated ranges, the filled-in constants make logits of at most 1 in magnitude.
 *
 * @throws NetworkError NETWORK_TOO_LARGE for what no gateway would accept, NETWORK_SHAPE for pictures that none can prepare.
 */
export function writeProgram(
  planned: PlannedNetwork,
  name: string,
  treatment?: Pick<PictureShape, 'light' | 'motion'>,
): WrittenProgram {
  const { network, plan, literal, regions } = planned;
  const picture = pictureShape(network.pictureShape, treatment);
  const pictureValues = picture.channels * picture.height * picture.width;
  const emitter = new Emitter(literal, { regions, pictureValues });
  const logits = expectedLogits(plan.layouts.at(-1)!);
  const [wire] = writeSteps(emitter, planned);
  const { expected, resultRing } = writeAnswer(emitter, wire!, logits);
  refuseBeyondLimits(emitter, network.pictureShape);
  const program: Program = {
    version: programVersion({ instructions: emitter.instructions, parameters: literal }),
    name,
    parameters: literal,
    ...(resultRing && { resultRing }),
    picture,
    ...(regions > 1 && { regions }),
    inputs: emitter.inputs,
    constants: emitter.constants,
    instructions: emitter.instructions,
  };
  return { verified: verifyProgram(program), recipes: emitter.recipes, expected };
}
