import {
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';
import { isDiskFull } from './disk-full.ts';

/** Time at which a process started, in clock ticks since boot, or null if there is no such process. */
function startOf(pid: number): string | null {
  try {
    // The name in parentheses may hold spaces; start time is field 22 of proc(5), the 20th after it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

/** Roles of which a data folder allows one process each. */
export type LockRole = 'demo' | 'agent' | 'backend' | 'broker' | 'auditor';

/**
 * Locks a data folder for this process in a role, and returns how to release it: two daemons that write the same outbox or counters would
 * corrupt each other. The lock of a dead process does not count, even if its process id was reused. The lock is a dangling symbolic link
 * that names its holder: it appears atomically, only one of several processes gets it, and it takes no block of a full disk. A stale lock is
 * moved away and checked before it is taken over.
 *
 * @throws BlindsightError DATA_IN_USE naming the process, DISK_FULL
 */
export function lockData(folder: string, role: LockRole): () => void {
  const file = join(folder, `${role}.lock`);
  const mine = `${process.pid} ${startOf(process.pid)}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (let attempt = 0; ; attempt++) {
      if (create(mine, file)) return () => give(file, mine);
      if (attempt > 3)
        throw new BlindsightError('DATA_IN_USE', `several processes are starting as ${role} on ${folder}`);
      const held = read(file);
      const [pid, start] = held?.split(' ') ?? [];
      if (pid !== undefined && start !== undefined && startOf(Number(pid)) === start) {
        throw new BlindsightError('DATA_IN_USE', `process ${pid} is running as ${role} on ${folder}`);
      }
      if (held !== null) remove(file, held, `${file}.${process.pid}.old`);
    }
  } catch (cause) {
    if (!isDiskFull(cause)) throw cause;
    throw new BlindsightError('DISK_FULL', `the disk is full: no file can be written to ${folder}`, {
      cause,
    });
  }
}

/** @returns false if the lock already exists */
function create(holder: string, file: string): boolean {
  try {
    try {
      symlinkSync(holder, file);
    } catch (error) {
      // Not every file system has links, for example FAT.
      if (!['EPERM', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      writeFileSync(file, holder, { mode: 0o600, flag: 'wx' });
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Who holds a lock, or null if there is none; earlier versions wrote it to a file. */
function read(file: string): string | null {
  try {
    try {
      return readlinkSync(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
      return readFileSync(file, 'utf8');
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Removes a lock that is known to be stale, but not one that has replaced it in the meantime. */
function remove(file: string, known: string, aside: string): void {
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const found = read(aside);
  if (found !== null && found !== known) create(found, file);
  rmSync(aside, { force: true });
}

function give(file: string, mine: string): void {
  if (read(file) === mine) rmSync(file, { force: true });
}
