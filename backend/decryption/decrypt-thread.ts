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
function slotsOf({ decryptor }: Opened, ciphertext: Uint8Array): Float64Array | null {
  try {
    return decryptor.decrypt(ciphertext);
  } catch (error) {
    if (error instanceof FheError && error.code === 'FHE_FORMAT') return null;
    throw error;
  }
}

function decrypt(opened: Opened, { ciphertext, pictures }: ToDecrypt): DecryptAnswer {
  const slots = slotsOf(opened, ciphertext);
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
