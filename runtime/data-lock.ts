import {
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { isDiskFull } from './disk-full.ts';

/** Time at which a process started, in clock ticks since boot, or null where there is no such process. */
function startOf(pid: number): string | null {
  try {
    // The name in parentheses may hold spaces; start time is field 22 of proc(5), the 20th after it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** Who may be alone on a data folder. */
export type LockRole = 'demo' | 'agent' | 'backend' | 'broker';

/**
 * Takes a data folder for this process in a role, and returns what gives it back: two daemons that write the same outbox or counters would
 * undo each other. The lock of a process that is gone does not count, also where its number was given to another. The lock appears whole, and
 * one that is taken over is moved away and looked at first, so that of several that start at once one gets it.
 *
 * @throws BlindsightError DATA_IN_USE naming the process, DISK_FULL
 */
export function lockData(folder: string, role: LockRole): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${role}.lock`);
  const mine = `${process.pid} ${startOf(process.pid)}`;
  const aside = `${file}.${process.pid}`;
  try {
    writeFileSync(aside, mine, { mode: 0o600 });
  } catch (cause) {
    rmSync(aside, { force: true });
    if (!isDiskFull(cause)) throw cause;
    throw new BlindsightError('DISK_FULL', `the disk is full: ${folder} takes no file`, { cause });
  }
  try {
    for (let attempt = 0; ; attempt++) {
      if (create(aside, file)) return () => give(file, mine);
      if (attempt > 3) throw new BlindsightError('DATA_IN_USE', `several start as ${role} on ${folder}`);
      const held = read(file);
      const [pid, start] = held?.split(' ') ?? [];
      if (pid !== undefined && start !== undefined && startOf(Number(pid)) === start) {
        throw new BlindsightError('DATA_IN_USE', `process ${pid} runs as ${role} on ${folder}`);
      }
      if (held !== null) remove(file, held, `${aside}.old`);
    }
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Gives a whole file a second name. @returns false where that name is taken. */
function create(from: string, to: string): boolean {
  try {
    try {
      linkSync(from, to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
      // Not every file system has links, for example FAT.
      copyFileSync(from, to, constants.COPYFILE_EXCL);
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Removes a lock that is known to be void, and nothing that another has put in its place since. */
function remove(file: string, known: string, aside: string): void {
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (read(aside) !== known) create(aside, file);
  rmSync(aside, { force: true });
}

function give(file: string, mine: string): void {
  if (read(file) === mine) rmSync(file, { force: true });
}
