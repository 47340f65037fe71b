import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Of all files below a folder, as they lie on the disk; some may go while it looks. */
export async function folderBytes(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []))
    if (entry.isFile())
      sum += await stat(join(entry.parentPath, entry.name)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      );
  return sum;
}
