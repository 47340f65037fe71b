import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import {
  createEngineInterpreter,
  createReferenceInterpreter,
  type Interpretation,
  type Interpreter,
  type InterpreterMaterial,
  pictureValues,
} from '#fhe';
import { runClear } from '#fhe/design';
import { createDecryptor, encryptInputs, interpretSlots, type OwnerKeys } from '#fhe/secret';
import { BlindsightError } from '#protocol/errors.ts';
import type { SelfTestInterpreters } from './protect-task.ts';

export type SelfTest = {
  readonly inputs: readonly Uint8Array[];
  /** SHA-256, hex, of the answer of each interpreter. */
  readonly digests: { readonly reference?: string; readonly engine: string };
  readonly answerBytes: number;
};

export type SelfTestMaterial = InterpreterMaterial & {
  readonly compiled: {
    readonly constants: readonly Float64Array[];
    readonly interpretation: Interpretation;
  };
  readonly keys: OwnerKeys;
  readonly interpreters: SelfTestInterpreters;
};

/** Contrasts of the test picture, strongest first: noise at full contrast is beyond what some networks were calibrated for. */
const CONTRASTS = [1, 0.5, 0.25, 0.1, 0];

/** Repeatable noise around gray. */
function testPicture(count: number, contrast: number): Float32Array {
  let state = 12345;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return 0.5 + contrast * (state / 2 ** 32 - 0.5);
  });
}

function choosePicture({ program, compiled: { constants, interpretation } }: SelfTestMaterial): Float32Array {
  for (const contrast of CONTRASTS) {
    const picture = testPicture(pictureValues(program.program), contrast);
    if (interpretSlots(runClear(program, constants, picture), interpretation, { round: () => null }).ok)
      return picture;
  }
  throw new BlindsightError(
    'SELF_TEST_FAILED',
    'the clear network answers every test picture outside its calibrated range; calibrate it on wider data',
  );
}

/**
 * Makes the test vector by which a gateway proves that it computes what the owner expects: an encrypted picture, and the digest of the answer.
 * The answers are decrypted here and compared with the clear program first; the reference is skipped for a program with several special
 * primes, which it does not support.
 *
 * @throws BlindsightError SELF_TEST_FAILED.
 */
export async function makeSelfTest(material: SelfTestMaterial): Promise<SelfTest> {
  const { program, compiled, keys } = material;
  const { constants, interpretation } = compiled;
  const picture = choosePicture(material);
  const expected = runClear(program, constants, picture);
  const inputs = await encryptInputs(program, keys.secretKey, picture);
  const skipped = material.interpreters === 'engine' || program.parameters.specialModuli.length > 1;
  const reference = skipped ? null : await answerOf(createReferenceInterpreter(material), inputs);
  const engine = await answerOf(createEngineInterpreter(material, { threads: 1, folder: tmpdir() }), inputs);
  const decryptor = await createDecryptor(program, keys);
  try {
    for (const [name, answer] of Object.entries({ reference, engine })) {
      if (answer === null) continue;
      checkSlots(name, decryptor.decrypt(answer), expected, interpretation);
    }
  } finally {
    decryptor.close();
  }
  return {
    inputs,
    digests: { ...(reference && { reference: digestOf(reference) }), engine: digestOf(engine) },
    answerBytes: engine.length,
  };
}

async function answerOf(opening: Promise<Interpreter>, inputs: readonly Uint8Array[]): Promise<Uint8Array> {
  const interpreter = await opening;
  try {
    return interpreter.runEncrypted(inputs);
  } finally {
    await interpreter.close();
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function checkSlots(
  interpreter: string,
  slots: Float64Array,
  expected: Float64Array,
  interpretation: Interpretation,
): void {
  const deviation = interpretation.expected.reduce(
    (worst, index, slot) =>
      index === -2 ? worst : Math.max(worst, Math.abs(slots[slot]! - expected[slot]!)),
    0,
  );
  if (deviation <= interpretation.tolerance) return;
  throw new BlindsightError(
    'SELF_TEST_FAILED',
    `the encrypted network (${interpreter}) deviates by ${deviation} from the clear one; ` +
      `at most ${interpretation.tolerance} is allowed`,
  );
}
