import { expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { HeardRelay, type HeardRelayOptions } from './heard-relay.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

it('a gateway that is heard again while that is being noted is noted again', async () => {
  const stop = new AbortController();
  let rounds = 0;
  const clock = {
    now: () => 20,
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
      note: async (ago: readonly (readonly [string, number])[]) => {
        noted.push(...ago.map(([, agoMs]) => agoMs));
        if (noted.length === 1) relay.heard('gate', 9);
      },
    },
  } as unknown as HeardRelayOptions['store'];
  const relay = new HeardRelay({ store, clock, log });
  relay.heard('gate', 5);
  await relay.send(stop.signal);
  expect(noted).toEqual([15, 11]);
});

it('is told when a gateway was heard by the clock of whoever asks, however the clocks of others differ', async () => {
  const stop = new AbortController();
  const clockAt = (ms: number) => ({
    now: () => ms,
    monotonic: () => 0,
    sleep: async () => stop.abort(),
  });
  const heard: { gateway: string; heardMs: number; agoMs: number }[] = [];
  const store = {
    challenges: { asked: async () => [{ gateway: 'gate' }] },
    heard: {
      note: async (ago: readonly (readonly [string, number])[]) => {
        for (const [gateway, agoMs] of ago) heard.push({ gateway, heardMs: 7_000_000 - agoMs, agoMs });
      },
      within: async () => heard,
    },
  } as unknown as HeardRelayOptions['store'];
  const decryptor = new HeardRelay({ store, clock: clockAt(90_000_000), log });
  decryptor.heard('gate', 90_000_000 - 40);
  await decryptor.send(stop.signal);
  const told: [string, number][] = [];
  const auditor = new HeardRelay({ store, clock: clockAt(1_000_000), log });
  const other = new AbortController();
  const receiving = auditor.receive(other.signal, (...one) => told.push(one));
  other.abort();
  await receiving;
  expect(told).toEqual([['gate', 1_000_000 - 40]]);
});
