import { setTimeout as delay } from 'node:timers/promises';
import type { Kind } from '../kind.ts';

/** Processes that are away for a while. */
const away =
  (namesOf: (target: string) => readonly string[]): Kind['strike'] =>
  async ({ processes }, { target, ms }, signal) => {
    const all = namesOf(target).map((name) => processes.get(name)!);
    await Promise.all(all.map((one) => one.hold()));
    await delay(ms, undefined, { signal }).catch(() => {});
    for (const one of all) one.letGo();
  };

const base = { needs: 'nats' } as const;

/** What happens to a site of several processes on three servers of NATS, beside what happens to each process. */
export const CITY_KINDS: readonly Kind[] = [
  {
    ...base,
    name: 'server-lost',
    what: 'one of three servers of NATS is killed and away for some seconds',
    targets: ['broker'],
    lasts: [2_000, 10_000],
    strike: away((server) => [server]),
  },
  {
    ...base,
    name: 'servers-lost',
    what: 'two of three servers of NATS are killed and away for some seconds: nothing can be stored there',
    targets: ['broker'],
    lasts: [1_000, 6_000],
    strike: (world, ...given) =>
      away((kept) => world.targets.broker.filter((name) => name !== kept))(world, ...given),
  },
  {
    ...base,
    name: 'decryptor-killed',
    what: 'a decryptor is killed, and started again at once',
    targets: ['decryptor'],
    lasts: [0, 0],
    strike: async ({ processes }, { target }) => processes.get(target)!.signal('SIGKILL'),
  },
  {
    ...base,
    name: 'decryptors-away',
    what: 'all decryptors are killed, and away for up to 14 s',
    targets: ['site'],
    lasts: [1_000, 14_000],
    strike: (world, ...given) => away(() => world.targets.decryptor)(world, ...given),
  },
  {
    ...base,
    name: 'decryptor-paused',
    what: 'a decryptor is stopped for up to 16 s: longer than others wait before they take over',
    targets: ['decryptor'],
    lasts: [4_000, 16_000],
    strike: async ({ processes }, { target, ms }, signal) => {
      processes.get(target)!.signal('SIGSTOP');
      await delay(ms, undefined, { signal }).catch(() => {});
      processes.get(target)!.signal('SIGCONT');
    },
  },
  {
    ...base,
    name: 'decryptor-added',
    what: 'one more decryptor comes, and is killed some seconds later',
    targets: ['site'],
    lasts: [4_000, 15_000],
    strike: async ({ spare }, { ms }, signal) => {
      spare!.letGo();
      await delay(ms, undefined, { signal }).catch(() => {});
      await spare!.hold();
    },
  },
  {
    ...base,
    name: 'api-killed',
    what: 'the process that takes answers and gives receipts is killed, and away for up to 5 s',
    targets: ['site'],
    lasts: [0, 5_000],
    strike: away(() => ['backend']),
  },
  {
    name: 'stream-loses',
    needs: 'jetstream',
    what: 'the stream loses up to all of what waits in it, again and again, though its servers had acknowledged that',
    targets: ['site'],
    lasts: [500, 6_000],
    async strike({ queue }, { ms, amount }, signal) {
      const endMs = performance.now() + ms;
      while (performance.now() < endMs && !signal.aborted) {
        // No server may be there just now.
        await queue.lose(amount).catch(() => 0);
        await delay(50, undefined, { signal }).catch(() => {});
      }
    },
  },
];
