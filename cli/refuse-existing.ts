import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';

/** Refuses a file that a command is to write where it is there already, or where its folder is not. @throws BlindsightError OUTPUT_EXISTS, FILE_UNREADABLE */
export async function refuseExisting(path: string): Promise<void> {
  if ((await stat(path).catch(() => null)) !== null)
    throw new BlindsightError('OUTPUT_EXISTS', `${path} exists already`);
  if ((await stat(dirname(path)).catch(() => null))?.isDirectory() !== true)
    throw new BlindsightError('FILE_UNREADABLE', `there is no folder ${dirname(path)} for ${path}`);
}
