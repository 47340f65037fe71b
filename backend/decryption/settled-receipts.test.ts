import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { makeTestSite, type TestSite } from '../testing/test-site.ts';
import { SettledReceipts } from './settled-receipts.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

let site: TestSite;
let clock: SimulatedClock;
const stop = new AbortController();
const sent: [digest: string, afterMs: number][] = [];
beforeEach(async () => {
  site = await makeTestSite();
  clock = new SimulatedClock();
});
afterEach(async () => {
  stop.abort();
  await site.close();
});

it('sends a receipt whole seconds after the envelope, however soon it was settled, and soon whatever clocks say', async () => {
  const startMs = clock.now();
  const settle = (digest: string, receivedMs: number) =>
    site.store.transaction(({ dueReceipts }) => dueReceipts.add([{ gateway: 'gate', digest, receivedMs }]));
  const receipts = { add: (_: string, digest: string) => void sent.push([digest, clock.now() - startMs]) };
  void new SettledReceipts({ store: site.store, receipts, clock, log }).run(stop.signal);
  /** The database answers in its own time. */
  const advance = async (ms: number) => {
    for (let at = 0; at < ms; at += 20) {
      await clock.advance(20);
      await site.store.dueReceipts.take(0);
    }
  };
  await advance(40);
  await settle('early', startMs);
  await settle('other clock', startMs + 3_600_000);
  await advance(800);
  await settle('late', startMs);
  await settle('later', startMs - 5_500);
  await advance(60);
  expect(sent).toEqual([]);
  await advance(1_500);
  const times = Object.fromEntries(sent);
  expect(sent).toHaveLength(4);
  expect(times.early).toBe(times.late);
  for (const [digest, second] of [
    ['early', 1_000],
    ['late', 1_000],
    ['later', 1_500],
  ] as const) {
    expect(times[digest]).toBeGreaterThanOrEqual(second);
    expect(times[digest]).toBeLessThanOrEqual(second + 200);
  }
  expect(times['other clock']).toBeLessThanOrEqual(1_400);
  await advance(3_000);
  expect(sent).toHaveLength(4);
});
