import { readFile, stat } from 'node:fs/promises';
import { NetworkError } from '#network/errors.ts';
import type { BoxOptions, FoundBox } from './box.ts';
import { BoxFile } from './box-file.ts';
import { cocoBoxes, type DrawnOn } from './coco-boxes.ts';
import { csvBoxes } from './csv-boxes.ts';
import { motBoxes } from './mot-boxes.ts';

/** Largest file that is read: about two million boxes. */
const MAX_BYTES = 2 ** 27;

function refuse(message: string, options?: ErrorOptions): never {
  throw new NetworkError('NETWORK_BOXES', message, options);
}

/** Which of the formats it is, by how it begins: JSON, a heading, or numbers. */
function find(
  text: string,
  where: string,
  options: BoxOptions,
): { readonly found: readonly FoundBox[]; readonly drawnOn: DrawnOn | null } {
  const begin = text.trimStart();
  if (begin === '') refuse(`${where}: the file is empty`);
  if (/^[{[]/.test(begin)) return cocoBoxes(begin, where, options);
  const read = /^[+\-.\d]/.test(begin) ? motBoxes : csvBoxes;
  return { found: read(text, where, options), drawnOn: null };
}

/**
 * Boxes of a text: CSV with a heading, `gt.txt` of MOTChallenge, or COCO JSON.
 *
 * @param where the file, for messages
 * @throws NetworkError NETWORK_BOXES naming the line (of JSON the element) that is wrong, and where there are no boxes of the wanted labels or
 * the same box stands there twice.
 */
export function parseBoxes(text: string, where: string, options: BoxOptions = {}): BoxFile {
  const { found, drawnOn } = find(text.replace(/^\ufeff/, ''), where, options);
  if (found.length === 0) refuse(`${where}: there is no box in it`);
  const { labels } = options;
  const wanted = labels === undefined ? found : found.filter(({ box }) => labels.includes(box.label));
  if (wanted.length === 0) {
    const there = [...new Set(found.map(({ box }) => box.label))].slice(0, 10).join(', ');
    refuse(`${where}: none of its boxes is labelled ${labels?.join(' or ')}; its labels are ${there}`);
  }
  const places = new Map<string, string>();
  for (const { box, place } of wanted) {
    const key = JSON.stringify(box);
    const before = places.get(key);
    if (before !== undefined) refuse(`${place}: the same box as ${before}; leave out one of them`);
    places.set(key, place);
  }
  return new BoxFile(where, wanted, drawnOn);
}

/** {@link parseBoxes} of a file. @throws NetworkError NETWORK_BOXES also if it cannot be read. */
export async function readBoxes(file: string, options: BoxOptions = {}): Promise<BoxFile> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) refuse(`${file}: ${size} bytes, at most ${MAX_BYTES} are read`);
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof NetworkError) throw cause;
    refuse(`${file}: cannot be read (${cause instanceof Error ? cause.message : cause})`, { cause });
  }
  return parseBoxes(text, file, options);
}
