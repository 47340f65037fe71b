import { z } from 'zod';
import { NetworkError } from '../errors.ts';
import { decodeState, encodeState, fillArrays } from './state-form.ts';

const MAGIC = 'blindsight training 1\n';

const finite = z.number();
const factsSchema = z.object({
  random: z.array(finite).length(4),
  steps: finite,
  averaged: finite,
  improved: finite,
  best: z.object({ score: finite, loss: finite }),
  curve: z.array(
    z.object({
      ...{ epoch: finite, epochs: finite, loss: finite, trainingScore: finite, validationScore: finite },
      elapsedMs: finite,
    }),
  ),
});

const headSchema = z.object({
  identity: z.record(z.string(), z.string()),
  facts: factsSchema,
  lengths: z.array(finite),
});

/** Numbers of a training after an epoch, beside its arrays. */
export type CheckpointFacts = z.infer<typeof factsSchema>;

type Arrays = readonly (Float32Array | Uint32Array)[];

function refuse(text: string): never {
  throw new NetworkError('NETWORK_RESUME', text);
}

/** State of a training as bytes, in the form of {@link encodeState}. */
export function encodeCheckpoint(
  identity: Readonly<Record<string, string>>,
  facts: CheckpointFacts,
  arrays: Arrays,
): Uint8Array {
  const head = { identity, facts, lengths: arrays.map(({ length }) => length) };
  return Buffer.concat(encodeState(MAGIC, head, arrays));
}

/**
 * Fills arrays from the state of the same training.
 *
 * @throws NetworkError NETWORK_RESUME, saying what differs, if it is the state of another one, or damaged; then nothing was changed.
 */
export function decodeCheckpoint(
  state: Uint8Array,
  identity: Readonly<Record<string, string>>,
  arrays: Arrays,
): CheckpointFacts {
  const decoded = decodeState(MAGIC, state);
  if (decoded === 'foreign')
    return refuse('this is no file of a training under way; name another one with --resume');
  if (decoded === 'damaged') return refuse('the file is damaged; delete it to start anew');
  const head = headSchema.safeParse(decoded.head);
  if (!head.success) return refuse('the file is of another version of Blindsight; delete it to start anew');
  const { facts, lengths, identity: kept } = head.data;
  const others = Object.keys(identity).filter((name) => kept[name] !== identity[name]);
  if (others.length > 0) {
    refuse(
      `the file is of another training: not the same ${others.join(', ')}; name another file with --resume, or delete it`,
    );
  }
  if (lengths.join() !== arrays.map(({ length }) => length).join())
    refuse('the file is of another version of Blindsight; delete it to start anew');
  fillArrays(arrays, decoded.arrays);
  return facts;
}

/** @throws NetworkError NETWORK_RESUME, because a file cannot be read or written. */
export function refuseFile(file: string, cause: unknown): never {
  const text = cause instanceof Error ? cause.message : String(cause);
  throw new NetworkError('NETWORK_RESUME', `${file}: ${text}`, { cause });
}

/** @throws NetworkError NETWORK_RESUME, for a task whose training takes no pauses. */
export function refuseResume(task: string): never {
  return refuse(`--resume is for classifications, and the task is '${task}'`);
}
