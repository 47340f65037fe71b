import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export type FolderSize = { readonly name: string; readonly files: number; readonly bytes: number };

/** What lies in a folder: each of its entries, with everything below it. What goes meanwhile counts as not there. */
export async function folderSizes(directory: string): Promise<FolderSize[]> {
  const names = await readdir(directory).catch(() => []);
  return Promise.all(names.sort().map(async (name) => ({ name, ...(await sizeOf(join(directory, name))) })));
}

async function sizeOf(path: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const about = await stat(path).catch(() => null);
  if (about === null) return { files: 0, bytes: 0 };
  if (!about.isDirectory()) return { files: 1, bytes: about.size };
  const below = await folderSizes(path);
  return below.reduce((sum, { files, bytes }) => ({ files: sum.files + files, bytes: sum.bytes + bytes }), {
    files: 0,
    bytes: 0,
  });
}
