import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './source-files.ts';

/**
 * A folder of the larger data that may stand beside the repository (`../shared/data`), or null, as on most machines. Only here is that
 * place named: what reads more data where it is there says so in its name, and holds without it on what `test/data` carries.
 */
export function sharedData(folder: string): string | null {
  const path = join(root, '..', 'shared', 'data', folder);
  return existsSync(path) ? path : null;
}
