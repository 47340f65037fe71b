import { createHash } from 'node:crypto';
import {
  createReferenceInterpreter,
  encodeProgram,
  findPrimes,
  type Interpretation,
  type Program,
  verifyProgram,
} from '#fhe';
import { createOwnerKeys, encryptConstants, encryptInputs, makeEvaluationKeys } from '#fhe/secret';
import { encodeSelfTest } from '#protocol/self-test.ts';
import type { ProtectedNetwork } from '../protection/protect-task.ts';

const RING_DEGREE = 4096;
const SLOTS = RING_DEGREE / 2;
const RESULT_DEGREE = 2048;
const SCALE = 2 ** 26;
const LABELS = ['empty', 'occupied'];

/** Where value (or logit) i of region r stands: at slot i · regions + r. */
function sharedSlots(regions: number): number[] {
  return Array.from({ length: 2 * regions }, (_, slot) => 2 * (slot % regions) + Math.floor(slot / regions));
}

/** What the two outputs stand for. */
type Meaning = Pick<Interpretation, 'labels' | 'task' | 'map' | 'decoding'>;

/** Two pixels, two logits: logitᵢ = weight · pixelᵢ. As small as an encrypted network gets, for tests of what is around it. */
function tinyProgram(resultRing: boolean, regions: number, period: number): Program {
  const moduli = [...findPrimes(RING_DEGREE, 30, 1), ...findPrimes(RING_DEGREE, 27, 1)];
  const slots = new Int32Array(SLOTS).fill(-1);
  const folds = foldsTo(period);
  // Copies in every half, or made by folding: the answer repeats itself in the slots of the small ring.
  const copies = folds.length > 0 ? [0] : [0, RESULT_DEGREE / 2];
  for (const copy of copies) slots.set(sharedSlots(regions), copy);
  const last = folds.length > 0 ? 4 : 3;
  return {
    version: 1,
    name: 'tiny',
    parameters: { ringDegree: RING_DEGREE, moduli, specialModuli: findPrimes(RING_DEGREE, 30, 1, moduli) },
    ...(resultRing && { resultRing: { ringDegree: RESULT_DEGREE, modulus: moduli[0]! } }),
    picture: { channels: 1, height: 1, width: 2 },
    ...(regions > 1 && { regions }),
    inputs: [{ level: 1, scale: SCALE, slots }],
    constants: [{ level: 1, scale: SCALE, modulus: 'Q' }],
    instructions: [
      { op: 'encrypt', out: 0, input: 0 },
      { op: 'inner', out: 1, terms: [{ source: 0, constant: 0 }] },
      { op: 'relinearize', out: 2, source: 1 },
      { op: 'rescale', out: 3, source: 2 },
      ...(folds.length > 0 ? [{ op: 'fold', out: 4, source: 3, steps: folds } as const] : []),
      ...(resultRing ? [{ op: 'switch-ring', out: last + 1, source: last } as const] : []),
      { op: 'output', source: resultRing ? last + 1 : last },
    ],
  };
}

/** Distances by which an answer in the small ring is copied so that it repeats itself after so many slots; none where it does anyway. */
function foldsTo(period: number): number[] {
  const folds: number[] = [];
  if (period < RESULT_DEGREE / 2) for (let step = SLOTS / 2; step >= period; step /= 2) folds.push(step);
  return folds;
}

function interpretation(
  resultRing: boolean,
  regions: number,
  period: number,
  meaning: Meaning,
): Interpretation {
  const expected = new Int32Array(resultRing ? RESULT_DEGREE / 2 : SLOTS).fill(-1);
  for (let copy = 0; copy < expected.length; copy += period) expected.set(sharedSlots(regions), copy);
  return { ...meaning, ...(regions > 1 && { regions }), expected, unit: 1, range: 10, tolerance: 0.01 };
}

export type TinyNetwork = {
  readonly program: Program;
  readonly protectedNetwork: ProtectedNetwork;
  /** Runs the encrypted network as a gateway does. @param pixels two values in [0, 1] for each region. */
  readonly answer: (pixels: readonly number[]) => Uint8Array;
  /** The serialized constants, as a gateway holds them. */
  readonly constants: Uint8Array;
  /** The serialized evaluation keys, likewise. */
  readonly evaluationKeys: Uint8Array;
  readonly close: () => Promise<void>;
};

/**
 * Makes keys and bundle of the tiny network, without the compiler. Weights fill all slots, as those of real networks do.
 *
 * @param resultRing whether answers travel in the small ring.
 * @param regions pictures that one run answers about.
 * @param period slots after which an answer repeats itself: 1024 / period of them have room in one ciphertext.
 * @param meaning of the outputs, two labels of a classification by default.
 */
export async function makeTinyNetwork({
  weight = 4,
  resultRing = true,
  regions = 1,
  period = RESULT_DEGREE / 2,
  meaning = { labels: LABELS } as Meaning,
} = {}): Promise<TinyNetwork> {
  const program = tinyProgram(resultRing, regions, period);
  const verified = verifyProgram(program);
  const { parameters } = verified;
  const keys = await createOwnerKeys(parameters, program.resultRing);
  const constants = await encryptConstants(verified, keys.secretKey, [new Float64Array(SLOTS).fill(weight)]);
  const evaluationKeys = await makeEvaluationKeys(verified, keys);
  const inputs = await encryptInputs(verified, keys.secretKey, new Float32Array(2 * regions).fill(0.25));
  const material = {
    program: verified,
    constants,
    publicKey: keys.publicKey,
    evaluationKeys,
  };
  const interpreter = await createReferenceInterpreter(material);
  const expected = interpreter.runEncrypted(inputs);
  return {
    program,
    constants,
    evaluationKeys,
    answer: (pixels) => interpreter.run(Float32Array.of(...pixels)).ciphertext,
    close: () => interpreter.close(),
    protectedNetwork: {
      onnx: new TextEncoder().encode('onnx'),
      labels: meaning.labels,
      ringDegree: RING_DEGREE,
      logQP: parameters.logQP,
      parts: [
        { name: 'program', bytes: encodeProgram(program) },
        { name: 'public-key', bytes: material.publicKey },
        { name: 'constants', bytes: material.constants },
        { name: 'evaluation-keys', bytes: material.evaluationKeys },
        { name: 'self-test', bytes: encodeSelfTest(inputs) },
      ],
      secretKey: Uint8Array.from(keys.secretKey),
      resultSecretKey: keys.resultSecretKey === undefined ? null : Uint8Array.from(keys.resultSecretKey),
      selfTest: { reference: createHash('sha256').update(expected).digest('hex') },
      answerBytes: expected.length,
      interpretation: interpretation(resultRing, regions, period, meaning),
    },
  };
}
