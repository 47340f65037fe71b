import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '#runtime/files.ts';
import { currentCommit, describeMachine } from '../machine.ts';
import type { Circumstances } from '../record.ts';
import type { ClearResult } from './clear-result.ts';

/** A result as it is kept: each with its own circumstances, because networks may be measured again one by one. */
export type RecordedClear = ClearResult &
  Circumstances & { readonly machine: string; readonly commit: string };

/** What was recorded, in the order of first recording; nothing where there is no such file. */
export async function readClearRecord(file: string | URL): Promise<RecordedClear[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return JSON.parse(text) as RecordedClear[];
}

/** Adds a result to a file of them, in place of an earlier one of the same network. */
export async function recordClear(
  file: string,
  result: ClearResult,
  circumstances: Circumstances,
): Promise<void> {
  const made = { ...circumstances, machine: describeMachine(), commit: await currentCommit(), ...result };
  const others = await readClearRecord(file);
  const known = others.some(({ network }) => network === result.network);
  const all = known
    ? others.map((other) => (other.network === result.network ? made : other))
    : [...others, made];
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomic(file, Buffer.from(`${JSON.stringify(all, null, 2)}\n`));
}
