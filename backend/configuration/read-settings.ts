import { readFile } from 'node:fs/promises';
import { BlindsightError } from '#protocol/errors.ts';

/** Settings to push, from a file. @throws BlindsightError CONFIG_UNREADABLE */
export async function readSettings(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BlindsightError('CONFIG_UNREADABLE', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
    });
  });
}
