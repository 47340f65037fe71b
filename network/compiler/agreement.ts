import type { CompiledNetwork } from './compiled-network.ts';
import { interpretationError } from './interpretation-error.ts';
import { runSteps } from './lowering/run-steps.ts';
import type { StepNetwork } from './lowering/steps.ts';

/** How well encrypted answers match those of the clear network. */
export type Agreement = {
  readonly pictures: number;
  /** Share of pictures whose largest logit is the same, 0 to 1. */
  readonly agreement: number;
  /** Largest |encrypted − clear| of any logit in any copy. */
  readonly worstLogitError: number;
  /** Largest deviation from zero in slots that must be empty. */
  readonly worstEmptySlot: number;
  /** Encrypted answers as label indices, in order. */
  readonly answers: readonly number[];
};

function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/**
 * Compares encrypted answers with the clear network.
 *
 * @param network the lowered, unscaled network.
 * @param encrypted runs a picture through the program and returns all slots of the decrypted answer.
 */
export async function measureAgreement(
  network: StepNetwork,
  compiled: CompiledNetwork,
  pictures: readonly Float32Array[],
  encrypted: (picture: Float32Array) => Promise<Float64Array> | Float64Array,
  onProgress?: (done: number) => void,
): Promise<Agreement> {
  let agreeing = 0;
  let worstLogitError = 0;
  let worstEmptySlot = 0;
  const answers: number[] = [];
  for (const picture of pictures) {
    const truth = runSteps(network, picture);
    const slots = await encrypted(picture);
    const { logits, logitError, emptySlot } = interpretationError(slots, compiled.interpretation, truth);
    worstLogitError = Math.max(worstLogitError, logitError);
    worstEmptySlot = Math.max(worstEmptySlot, emptySlot);
    answers.push(largest(logits));
    if (largest(logits) === largest(truth)) agreeing++;
    onProgress?.(answers.length);
  }
  return {
    pictures: pictures.length,
    agreement: agreeing / pictures.length,
    worstLogitError,
    worstEmptySlot,
    answers,
  };
}
