import { createHash } from 'node:crypto';
import {
  decodeProgram,
  FheError,
  type Interpretation,
  outputsOf,
  type VerifiedProgram,
  verifyProgram,
} from '#fhe';
import { answerNoise, answerNoiseKey, createDecryptor, interpretSlots } from '#fhe/secret';
import type { OutputPolicy } from '#protocol/output-policy.ts';
import { endThread } from '#runtime/threads/end-thread.ts';
import { type Answer, serveTasks } from '#runtime/threads/serve-tasks.ts';
import type { DecryptAnswer, DecryptOutcome, DecryptTask, ToDecrypt } from './decrypt-task.ts';
import { roundAnswer } from './round-answer.ts';

type Opened = {
  readonly decryptor: Awaited<ReturnType<typeof createDecryptor>>;
  readonly interpretation: Interpretation;
  readonly noiseKey: Uint8Array;
  readonly output: OutputPolicy;
};

const MAX_PROGRAMS = 8;

const keySets = new Map<string, Opened>();
/** By SHA-256 of their bytes, hex; least recently used first. */
const programs = new Map<string, VerifiedProgram>();

/** @returns about what the key takes in memory, bytes */
async function open(task: Extract<DecryptTask, { kind: 'open' }>): Promise<number> {
  close(task.keySet);
  const program = verified(task.program);
  // Never both: with a result ring this thread has nothing that opens weights.
  const keys =
    task.ring === 'result'
      ? { secretKey: new Uint8Array(), resultSecretKey: task.secretKey }
      : { secretKey: task.secretKey };
  try {
    const decryptor = await createDecryptor(program, keys);
    keySets.set(task.keySet, {
      decryptor,
      interpretation: task.interpretation,
      noiseKey: answerNoiseKey(task.secretKey),
      output: task.output,
    });
    return decryptor.bytes;
  } finally {
    task.secretKey.fill(0);
  }
}

/** All key sets of a network have one program. */
function verified(bytes: Uint8Array): VerifiedProgram {
  const digest = createHash('sha256').update(bytes).digest('hex');
  const program = programs.get(digest) ?? verifyProgram(decodeProgram(bytes));
  programs.delete(digest);
  programs.set(digest, program);
  if (programs.size > MAX_PROGRAMS) programs.delete(programs.keys().next().value!);
  return program;
}

function close(keySet: string): void {
  keySets.get(keySet)?.decryptor.close();
  keySets.delete(keySet);
}

/** Slots of an answer; null where the bytes are not, in level, scale and size, exactly what the program answers with. */
function slotsOf<Slots>(read: () => Slots): Slots | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof FheError && error.code === 'FHE_FORMAT') return null;
    throw error;
  }
}

/** What a place of a ciphertext holds in which answers are gathered: copies are gone, and the imaginary parts of slots are empty. */
function interpretationOfPlace(interpretation: Interpretation, places: number): Interpretation {
  const period = interpretation.expected.length / places;
  const expected = new Int32Array(2 * period).fill(-1);
  expected.set(interpretation.expected.subarray(0, period));
  return { ...interpretation, expected };
}

/** One by one: none of them reaches the coefficients of another, so each is given out or withheld by itself. Places without an answer must be empty. */
function decryptGathered(opened: Opened, ciphertext: Uint8Array, count: number): DecryptAnswer {
  const { decryptor, interpretation, output, noiseKey } = opened;
  if (count > decryptor.places) return { kind: 'refused' };
  const read = slotsOf(() => decryptor.decryptGathered(ciphertext));
  if (read === null) return { kind: 'refused' };
  try {
    const largest = read
      .slice(count)
      .reduce((most, slots) => slots.reduce((sum, value) => worse(sum, Math.abs(value)), most), 0);
    if (!(largest * interpretation.unit <= interpretation.tolerance))
      return { kind: 'withheld', reason: 'not-zero' };
    const own = interpretationOfPlace(interpretation, decryptor.places);
    const outputs = (interpretation.regions ?? 1) * outputsOf(interpretation);
    const noise = answerNoise(noiseKey, ciphertext, count * outputs);
    const round = (values: Float64Array) => roundAnswer(values, interpretation, output);
    return {
      kind: 'gathered',
      each: read.slice(0, count).map((slots, i) => {
        const judged = interpretSlots(slots, own, {
          noise: noise.subarray(i * outputs, (i + 1) * outputs),
          round,
        });
        return judged.ok
          ? { kind: 'answer', answers: judged.answers }
          : { kind: 'withheld', reason: judged.reason };
      }),
    };
  } finally {
    for (const slots of read) slots.fill(0);
  }
}

/** The larger one; not a number where one is not. */
const worse = (a: number, b: number): number => (a >= b ? a : b >= a ? b : Number.NaN);

function decrypt(opened: Opened, { ciphertext, pictures, gathered }: ToDecrypt): DecryptAnswer {
  if (gathered !== undefined) return decryptGathered(opened, ciphertext, gathered);
  const slots = slotsOf(() => opened.decryptor.decrypt(ciphertext));
  if (slots === null) return { kind: 'refused' };
  try {
    const { interpretation, output, noiseKey } = opened;
    const noise = answerNoise(
      noiseKey,
      ciphertext,
      (interpretation.regions ?? 1) * outputsOf(interpretation),
    );
    const round = (outputs: Float64Array) => roundAnswer(outputs, interpretation, output);
    const read =
      pictures === undefined
        ? interpretSlots(slots, interpretation, { noise, round })
        : interpretSlots(slots, interpretation, { noise, round, pictures });
    if (!read.ok) return { kind: 'withheld', reason: read.reason };
    return { kind: 'answer', answers: read.answers };
  } finally {
    slots.fill(0);
  }
}

/** Whether SEAL has to be started again, which takes another thread. */
const isSealLost = (error: unknown): boolean => error instanceof FheError && error.code === 'FHE_WORKER';

/** One that fails leaves the others as they are. @throws FheError FHE_WORKER */
function outcomeOf(answer: ToDecrypt): DecryptOutcome {
  try {
    const opened = keySets.get(answer.keySet);
    if (opened === undefined) throw new Error(`the key set ${answer.keySet} is not open`);
    return decrypt(opened, answer);
  } catch (error) {
    if (isSealLost(error)) throw error;
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

async function perform(task: DecryptTask): Promise<Answer> {
  if (task.kind === 'open') return { result: await open(task) };
  if (task.kind === 'decrypt') return { result: task.answers.map(outcomeOf) };
  close(task.keySet);
  return { result: null };
}

serveTasks((task) =>
  perform(task as DecryptTask).catch((error: unknown) => {
    if (isSealLost(error)) return endThread(error);
    throw error;
  }),
);
