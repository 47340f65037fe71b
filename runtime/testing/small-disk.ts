import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own that a test can really fill. */
export type SmallDisk = {
  readonly folder: string;
  /** Leaves at most `bytes` free, in one file of ballast. */
  fill(bytes?: number): void;
  /** Removes the ballast. */
  empty(): void;
  unmount(): void;
};

/**
 * @param at an empty folder, or a new one by default
 * @returns null where this user may not mount: the test is skipped then
 */
export function mountSmallDisk(megabytes: number, at?: string): SmallDisk | null {
  const folder = at ?? mkdtempSync(join(tmpdir(), 'blindsight-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
  } catch {
    if (at === undefined) rmdirSync(folder);
    return null;
  }
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fill(bytes = 0) {
      const { bavail, bsize } = statfsSync(folder);
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes), 1), { flag: 'a' });
      } catch (error) {
        // Whoever else writes to the disk may take a block in between: it is full all the same.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    empty: () => unlinkSync(ballast),
    unmount() {
      execFileSync('umount', ['-l', folder]);
      if (at === undefined) rmdirSync(folder);
    },
  };
}

/** Said by a test that is skipped because {@link mountSmallDisk} gave null. */
export const NO_MOUNT = 'this user may not mount a tmpfs, so no disk can be filled: run as root to test it';
