import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { writeFileAtomic } from '#runtime/files.ts';

/** A setting's place in a file, and its value. */
export type Setting = readonly [path: readonly (string | number)[], value: unknown];

/** Changes settings in a YAML file and keeps everything else, comments included. */
export async function changeSettings(file: string, settings: readonly Setting[]): Promise<void> {
  const before = await readFile(file, 'utf8');
  const document = parseDocument(before);
  for (const [path, value] of settings) document.setIn(path, document.createNode(value));
  const after = document.toString();
  if (after !== before) await writeFileAtomic(file, after, { mode: 0o600 });
}
