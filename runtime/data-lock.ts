import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BlindsightError } from '#protocol/errors.ts';

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
 * undo each other. The lock of a process that is gone does not count, also where its number was given to another.
 *
 * @throws BlindsightError DATA_IN_USE naming the process
 */
export function lockData(folder: string, role: LockRole): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${role}.lock`);
  const mine = `${process.pid} ${startOf(process.pid)}`;
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx', mode: 0o600 });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 3) throw error;
    }
    const [pid, start] = readFileSync(file, 'utf8').split(' ');
    if (pid !== undefined && start !== undefined && startOf(Number(pid)) === start) {
      throw new BlindsightError('DATA_IN_USE', `process ${pid} runs as ${role} on ${folder}`);
    }
    rmSync(file, { force: true });
  }
}
