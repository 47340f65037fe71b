import path from 'node:path';
import { type MachineRecord, machineCacheFile } from '#network/compiler/explain/machine-record.ts';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';

/**
 * Remembers what was measured on this machine. If the home folder cannot be written, measuring repeats: `note` then receives the reason.
 *
 * @param note takes a sentence for people.
 */
export async function keepMachineRecord(record: MachineRecord, note: (text: string) => void): Promise<void> {
  try {
    await ensureDirectory(path.dirname(machineCacheFile()));
    await writeFileAtomic(machineCacheFile(), JSON.stringify(record));
  } catch {
    note(`${machineCacheFile()} cannot be written: measurements are not remembered`);
  }
}
