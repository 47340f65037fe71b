import { setTimeout as delay } from 'node:timers/promises';
import type { Kind } from '../kind.ts';

const ANY = ['broker', 'backend', 'gateway'] as const;

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
    name: 'terminate',
    what: 'SIGTERM to a process, which is started again',
    targets: ANY,
    lasts: [0, 0],
    strike: async ({ processes }, { target }) => processes.get(target)!.signal('SIGTERM'),
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
];
