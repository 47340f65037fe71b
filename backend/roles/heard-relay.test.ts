import { expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { HeardRelay, type HeardRelayOptions } from './heard-relay.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

it('a gateway that is heard again while that is being noted is noted again', async () => {
  const stop = new AbortController();
  let rounds = 0;
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: async () => {
      rounds += 1;
      if (rounds === 3) stop.abort();
    },
  };
  const noted: number[] = [];
  const store = {
    challenges: { asked: async () => [{ gateway: 'gate' }] },
    heard: {
      note: async (gateway: string, receivedMs: number) => {
        noted.push(receivedMs);
        if (receivedMs === 5) relay.heard(gateway, 9);
      },
    },
  } as unknown as HeardRelayOptions['store'];
  const relay = new HeardRelay({ store, clock, log });
  relay.heard('gate', 5);
  await relay.send(stop.signal);
  expect(noted).toEqual([5, 9]);
});
