import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Installed on the system, with `blindsight` on the PATH; otherwise this is a clone. */
export const isInstalled = existsSync(join(import.meta.dirname, '..', 'bin', 'blindsight'));
