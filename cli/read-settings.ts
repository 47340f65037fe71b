import { parseDocument } from 'yaml';
import { BlindsightError } from '#protocol/errors.ts';
import { readSecretFile } from '#runtime/files.ts';

/** Longer than any settings that are given this way. */
const MAX_BYTES = 65_536;

/**
 * Reads settings that hold secrets, YAML or JSON, not checked further.
 *
 * @param file a file that only its owner can read; `-` is standard input
 * @throws BlindsightError CONFIG_INVALID without what was read, FILE_UNREADABLE, SECRET_EXPOSED.
 */
export async function readSettings(file: string): Promise<unknown> {
  const text = Buffer.from(file === '-' ? await input() : await readSecretFile(file)).toString('utf8');
  const document = parseDocument(text, { uniqueKeys: true });
  const [first] = document.errors;
  if (first === undefined) return document.toJS({ maxAliasCount: 10 });
  const { line, col } = first.linePos?.[0] ?? { line: 1, col: 1 };
  throw new BlindsightError('CONFIG_INVALID', `${file}:${line}:${col}: it is not YAML (${first.code})`);
}

async function input(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(Buffer.from(chunk as Buffer));
    bytes += chunks.at(-1)!.length;
    if (bytes > MAX_BYTES)
      throw new BlindsightError('CONFIG_INVALID', `standard input has more than ${MAX_BYTES} bytes`);
  }
  return Buffer.concat(chunks);
}
