import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync, inflateRawSync } from 'node:zlib';

const FOLDER = join(import.meta.dirname, 'corpus');
const HEADING =
  '# Inputs, one a line: deflated (RFC 1951), in base64; `node test/fuzz/run.ts TARGET --keep` adds those that reach something new.\n';

const fileOf = (target: string): string => join(FOLDER, `${target}.txt`);

/** Inputs of a target that earlier runs found worth keeping, and those that once broke it. */
export function readCorpus(target: string): Uint8Array[] {
  const file = fileOf(target);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => new Uint8Array(inflateRawSync(Buffer.from(line, 'base64'))));
}

/** Adds inputs to the corpus of a target, the shortest first, up to a number of bytes; what is there stays. */
export function extendCorpus(target: string, inputs: readonly Uint8Array[], maxBytes: number): number {
  const file = fileOf(target);
  let text = existsSync(file) ? readFileSync(file, 'utf8') : HEADING;
  const present = new Set(text.split('\n'));
  let added = 0;
  for (const input of [...inputs].sort((a, b) => a.length - b.length)) {
    const line = deflateRawSync(input, { level: 9 }).toString('base64');
    if (present.has(line) || line === '' || text.length + line.length > maxBytes) continue;
    present.add(line);
    text += `${line}\n`;
    added++;
  }
  if (added > 0) writeFileSync(file, text);
  return added;
}
