import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const Package = z.object({ name: z.literal('blindsight'), version: z.string().max(64) });

/** Version of this installation: from the package.json above the sources, or above a build of them. */
export function installedVersion(from = import.meta.dirname): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    const found = existsSync(file) ? Package.safeParse(JSON.parse(readFileSync(file, 'utf8'))) : null;
    if (found?.success) return found.data.version;
  }
  return 'unknown';
}
