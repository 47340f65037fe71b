import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Kind } from '../kind.ts';

const ANY = ['broker', 'backend', 'gateway'] as const;
/** That a process may still open when it runs out of them. */
const FEW_DESCRIPTORS = 2;
const MANY_DESCRIPTORS = 1024;

const run = promisify(execFile);

/** What happens to processes. */
export const PROCESS_KINDS: readonly Kind[] = [
  {
    name: 'kill',
    what: 'kill -9 of a process, which is started again',
    targets: ANY,
    lasts: [0, 0],
    strike: async ({ processes }, { target }) => processes.get(target)!.signal('SIGKILL'),
  },
  {
    name: 'kill-again',
    what: 'kill -9 of a process, and again up to 2 s after it was started',
    targets: ANY,
    lasts: [300, 2_300],
    strike: async ({ processes }, { target, ms }, signal) => {
      processes.get(target)!.signal('SIGKILL');
      await delay(ms, undefined, { signal }).catch(() => {});
      processes.get(target)!.signal('SIGKILL');
    },
  },
  {
    name: 'terminate',
    what: 'SIGTERM to a process, which is started again',
    targets: ANY,
    lasts: [0, 0],
    strike: async ({ processes }, { target }) => processes.get(target)!.signal('SIGTERM'),
  },
  {
    name: 'away',
    what: 'kill -9 of a process that stays away for some seconds',
    targets: ANY,
    lasts: [1_000, 8_000],
    strike: async ({ processes }, { target, ms }, signal) => {
      await processes.get(target)!.hold();
      await delay(ms, undefined, { signal }).catch(() => {});
      processes.get(target)!.letGo();
    },
  },
  {
    name: 'power-cut',
    what: 'kill -9 of all processes at once',
    targets: ['site'],
    lasts: [0, 0],
    strike: async ({ processes }) => {
      for (const process of processes.values()) process.signal('SIGKILL');
    },
  },
  {
    name: 'pause',
    what: 'SIGSTOP to a process, SIGCONT some seconds later',
    targets: ANY,
    lasts: [100, 6_000],
    strike: async ({ processes }, { target, ms }, signal) => {
      processes.get(target)!.signal('SIGSTOP');
      await delay(ms, undefined, { signal }).catch(() => {});
      processes.get(target)!.signal('SIGCONT');
    },
  },
  {
    name: 'stutter',
    what: 'SIGSTOP and SIGCONT in quick turns: a machine that others use up',
    targets: ANY,
    lasts: [500, 4_000],
    strike: async ({ processes }, { target, ms, amount }, signal) => {
      const process = processes.get(target)!;
      const sliceMs = 20 + 180 * amount;
      for (let passedMs = 0; passedMs < ms && !signal.aborted; passedMs += 2 * sliceMs) {
        process.signal('SIGSTOP');
        await delay(sliceMs);
        process.signal('SIGCONT');
        await delay(sliceMs);
      }
    },
  },
  {
    name: 'descriptors',
    what: 'a process runs out of file descriptors for some seconds (prlimit)',
    targets: ANY,
    lasts: [500, 5_000],
    // Node itself, where it has none to begin with: with 5 to 15 it fails an assertion of its own, with 16 to 20 it ends without a word.
    mayEnd: /EMFILE|unable to open database file|too many open files|uv_loop_init|^SIG(SEGV|ABRT)$/,
    strike: async ({ processes }, { target, ms }, signal) => {
      const { pid } = processes.get(target)!;
      if (pid === undefined) return;
      await limitDescriptors(pid, openDescriptors(pid) + FEW_DESCRIPTORS);
      await delay(ms, undefined, { signal }).catch(() => {});
      await limitDescriptors(pid, MANY_DESCRIPTORS);
    },
  },
];

function openDescriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return MANY_DESCRIPTORS;
  }
}

/** Of a process that may have ended meanwhile. */
async function limitDescriptors(pid: number, count: number): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--nofile=${count}:`]).catch(() => {});
}
