import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder: string | null = null;

/** A folder of this process for parsers that read files; it is gone when the process ends. */
export function scratchFolder(): string {
  if (folder === null) {
    const made = mkdtempSync(join(tmpdir(), 'blindsight-fuzz-'));
    process.on('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}
