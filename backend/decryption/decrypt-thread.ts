import {
  type AnswerForm,
  answerFormOf,
  decodeProgram,
  FheError,
  type Interpretation,
  SCALE_TOLERANCE,
  type VerifiedProgram,
  verifyProgram,
} from '#fhe';
import { createDecryptor, interpretSlots } from '#fhe/secret';
import { serveTasks } from '#runtime/threads/serve-tasks.ts';
import type { DecryptAnswer, DecryptTask } from './decrypt-task.ts';

type Opened = {
  readonly program: VerifiedProgram;
  readonly form: AnswerForm;
  readonly decryptor: Awaited<ReturnType<typeof createDecryptor>>;
  readonly interpretation: Interpretation;
};

const models = new Map<string, Opened>();

async function open(task: Extract<DecryptTask, { kind: 'open' }>): Promise<void> {
  models.get(task.model)?.decryptor.close();
  const program = decodeProgram(task.program);
  // Never both: with a result ring this thread has nothing that opens weights.
  const keys =
    task.ring === 'result'
      ? { secretKey: new Uint8Array(), resultSecretKey: task.secretKey }
      : { secretKey: task.secretKey };
  try {
    const verified = verifyProgram(program);
    models.set(task.model, {
      program: verified,
      form: answerFormOf(verified),
      decryptor: await createDecryptor(verified, keys),
      interpretation: task.interpretation,
    });
  } finally {
    task.secretKey.fill(0);
  }
}

/** Whether the bytes are, in level, scale and size, exactly what the program answers with. Nothing secret is used. */
function isAnswer({ program, form }: Opened, bytes: Uint8Array): boolean {
  const expected = program.registers.get(program.output)!;
  try {
    const { level, scale, size } = form.decode(bytes);
    const sameScale = Math.abs(scale / expected.scale - 1) <= SCALE_TOLERANCE;
    return level === expected.level && size === expected.size && sameScale;
  } catch (error) {
    if (error instanceof FheError) return false;
    throw error;
  }
}

function decrypt(opened: Opened, ciphertext: Uint8Array): DecryptAnswer {
  if (!isAnswer(opened, ciphertext)) return { kind: 'refused' };
  const slots = opened.decryptor.decrypt(ciphertext);
  try {
    const read = interpretSlots(slots, opened.interpretation);
    if (!read.ok) return { kind: 'withheld', reason: read.reason };
    return { kind: 'answer', answers: read.answers };
  } finally {
    slots.fill(0);
  }
}

serveTasks(async (message) => {
  const task = message as DecryptTask;
  if (task.kind === 'open') {
    await open(task);
    return { result: null };
  }
  const opened = models.get(task.model);
  if (opened === undefined) throw new Error(`the model ${task.model} is not open`);
  return { result: decrypt(opened, task.ciphertext) };
});
