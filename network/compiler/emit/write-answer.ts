import { checkParameters, type ParametersLiteral, type ResultRing, ringSwitchPrime } from '#fhe';
import { RESULT_RING_DEGREE } from '../compile-limits.ts';
import type { Emitter, Wire } from './emitter.ts';
import { interleave } from './regions.ts';

/** A written answer: its layout and its ring. */
export type WrittenAnswer = {
  /** See `Interpretation.expected`: slots of the ring of the answer. */
  readonly expected: Int32Array;
  readonly resultRing?: ResultRing;
};

/**
 * Ends a program. An answer that is periodic in the slots of the small ring is switched to it: a quarter of the bytes or less, under a
 * key that opens nothing else, so that whoever decrypts answers holds no key to the stored weights. Any other answer stays in its own ring.
 *
 * @param logits which logit stands in which slot of `wire`, for one region; −1 zero, −2 anything.
 */
export function writeAnswer(emitter: Emitter, wire: Wire, logits: Int32Array): WrittenAnswer {
  const count = 1 + logits.reduce((most, index) => Math.max(most, index), 0);
  const expected = interleave(logits, emitter.regions, (index, region) =>
    index < 0 ? index : region * count + index,
  );
  const slots = RESULT_RING_DEGREE / 2;
  const resultRing =
    wire.level === 0 && isPeriodic(expected, slots) ? resultRingOf(emitter.parameters) : null;
  if (resultRing === null) {
    emitter.output(wire);
    return { expected };
  }
  emitter.output(emitter.switchRing(wire, resultRing));
  return { expected: expected.slice(0, slots), resultRing };
}

/** Whether the mean over the copies equals each of them. A ring that is already small has nothing to gain. */
function isPeriodic(expected: Int32Array, period: number): boolean {
  return expected.length > period && expected.every((value, i) => value === expected[i % period]);
}

/** The small ring modulo q₀: changing the modulus too would save no byte and cost precision. Null if q₀ and P′ do not allow it. */
function resultRingOf(parameters: ParametersLiteral): ResultRing | null {
  const modulus = parameters.moduli[0]!;
  try {
    checkParameters({
      ringDegree: RESULT_RING_DEGREE,
      moduli: [modulus],
      specialModuli: [ringSwitchPrime(parameters)],
    });
  } catch {
    return null;
  }
  return { ringDegree: RESULT_RING_DEGREE, modulus };
}
