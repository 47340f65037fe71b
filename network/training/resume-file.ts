import { open, readFile, rename, rm } from 'node:fs/promises';
import { NetworkError } from '../errors.ts';
import { decodeState, encodeState, fillArrays } from './state-form.ts';

/** What a long training keeps to go on later: numbers and texts as JSON, and arrays by name. */
export type Resumable = {
  readonly about: unknown;
  readonly arrays: ReadonlyMap<string, Float32Array>;
};

/** What a training is of: each part has a digest, or the settings themselves as text. */
export type TrainingIdentity = Readonly<Record<string, string>>;

const MAGIC = 'BLINDSIGHT-RESUME-1\n';

type Header = {
  readonly identity: TrainingIdentity;
  readonly about: unknown;
  readonly arrays: readonly { readonly name: string; readonly size: number }[];
};

function refuse(file: string, reason: string, options?: ErrorOptions): never {
  throw new NetworkError('NETWORK_RESUME', `${file}: ${reason}`, options);
}

/** Writes the state of a training, whole or not at all: beside the file first, then in its place. */
export async function writeResumeFile(
  file: string,
  identity: TrainingIdentity,
  { about, arrays }: Resumable,
): Promise<void> {
  const listed = [...arrays].map(([name, values]) => ({ name, size: values.length }));
  const header = { identity, about, arrays: listed } satisfies Header;
  const parts = encodeState(MAGIC, header, arrays.values());
  const beside = `${file}.${process.pid}.tmp`;
  try {
    const handle = await open(beside, 'w');
    try {
      for (const part of parts) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (cause) {
    await rm(beside, { force: true });
    refuse(file, `cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

async function readIfThere(file: string): Promise<Buffer | null> {
  try {
    return await readFile(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    return refuse(file, `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/**
 * Reads the state that a training of the same identity has left; null if there is no such file.
 *
 * @throws NetworkError NETWORK_RESUME if it is damaged, or of another training: the message names what differs.
 */
export async function readResumeFile(file: string, identity: TrainingIdentity): Promise<Resumable | null> {
  const bytes = await readIfThere(file);
  if (bytes === null) return null;
  const state = decodeState(MAGIC, bytes);
  if (state === 'foreign') return refuse(file, 'is no resume file of this version');
  if (state === 'damaged') return refuse(file, 'is damaged or cut off');
  // Its digest fits, so it is as it was written.
  const header = state.head as Header;
  const different = Object.keys({ ...header.identity, ...identity }).filter(
    (part) => header.identity[part] !== identity[part],
  );
  if (different.length > 0) {
    refuse(
      file,
      `belongs to another training: its ${different.join(', ')} differ; give what it was begun with`,
    );
  }
  const arrays = new Map(header.arrays.map(({ name, size }) => [name, new Float32Array(size)]));
  fillArrays(arrays.values(), state.arrays);
  return { about: header.about, arrays };
}
