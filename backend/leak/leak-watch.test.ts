import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { enrolTestGateway, keepTestModel, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { leakViews } from './leak-views.ts';
import { LeakWatch } from './leak-watch.ts';

const HOUR_MS = 3_600_000;
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
/** Two slots, so a ring of degree 4: 6.34 bits. A quarter of them is 1.58 and half is 3.17. */
const KEY = { gateway: 'gate', model: 'counter', version: 1, number: 1 };

describe('the account of a key', () => {
  let site: TestSite;
  let clock: SimulatedClock;
  let ordered: string[];
  let watch: LeakWatch;
  let fails = false;
  beforeEach(async () => {
    site = await makeTestSite();
    clock = new SimulatedClock(1_800_000_000_000);
    await enrolTestGateway(site, 'gate');
    await keepTestModel(site, 'counter');
    ordered = [];
    fails = false;
    watch = new LeakWatch({
      ...{ store: site.store, clock, log, onChange: () => {} },
      reprotect: async (gateway) => {
        ordered.push(gateway);
        if (fails) throw new Error('no room');
      },
    });
  });
  afterEach(() => site.close());

  const answer = (bits: number, share = 0.5, most = 1, key = KEY) =>
    site.store.leaks.add(key, share, { bits, most });
  const codes = async () =>
    (await site.store.journal.latest(9)).map(({ code }) => code).filter((one) => one.startsWith('LEAK'));
  const view = async () => (await leakViews(site.store)).get('gate');

  it('stays safe while audits go on, however many answers there are', async () => {
    for (let count = 0; count < 200; count++) await answer(1);
    await watch.look();
    expect(await view()).toEqual({ state: 'safe', bits: 1, keyBits: 6, safeDays: null });
    expect(await codes()).toEqual([]);
    await clock.advance(25 * HOUR_MS);
    await watch.look();
    expect(ordered).toEqual([]);
  });

  it('warns at a quarter, and at half of its bits gives the gateway another key, from the first answer on', async () => {
    await watch.look();
    await answer(1, 0.9, 8);
    await watch.look();
    expect(await view()).toMatchObject({ state: 'safe' });
    await answer(1, 0.8, 8);
    await answer(1, 0.7, 8);
    await watch.look();
    expect(await codes()).toEqual(['LEAK_WARNING']);
    expect(ordered).toEqual([]);
    for (let count = 0; count < 2; count++) await answer(1, 0.5 + count / 10, 8);
    await watch.look();
    expect(await codes()).toEqual(['LEAK_LIMIT', 'LEAK_WARNING']);
    expect(ordered).toEqual(['gate']);
    // The key is replaced: its account is closed, and that of the new one begins.
    await watch.look();
    expect(ordered).toEqual(['gate']);
    await answer(1, 0.9, 1, { ...KEY, number: 2 });
    await watch.look();
    expect(await view()).toMatchObject({ state: 'safe', bits: 0 });
  });

  it('tries again after an hour where no other key could be made', async () => {
    for (const share of [0.5, 0.6, 0.7, 0.8, 0.9]) await answer(1, share, 8);
    fails = true;
    for (let minute = 0; minute < 90; minute += 10) {
      await watch.look();
      await clock.advance(HOUR_MS / 6);
    }
    expect(ordered).toHaveLength(2);
    expect(await codes()).toEqual(['LEAK_LIMIT']);
  });

  it('says what to do and does not make keys in a circle where nothing is audited', async () => {
    for (let count = 0; count < 10; count++) await answer(1, 0);
    await watch.look();
    await clock.advance(2 * HOUR_MS);
    await watch.look();
    expect(ordered).toEqual([]);
    const [entry] = await site.store.journal.latest(1);
    expect(entry).toMatchObject({ code: 'LEAK_LIMIT', level: 'error' });
    expect(entry?.message).toContain('turn audits on (audit.share)');
  });

  it('tells how long a key is safe by the last day', async () => {
    await watch.look();
    await answer(0.1, 0);
    await watch.look();
    await clock.advance(24 * HOUR_MS);
    await answer(0.1, 0);
    await watch.look();
    // 0.1 bits a day, and 2.97 of 3.17 are left.
    expect(await view()).toMatchObject({ state: 'safe', safeDays: 29 });
  });

  it('counts challenges that had no answer as 1 / p dishonest answers each', async () => {
    for (let count = 0; count < 100; count++) await answer(1, 0.5);
    await watch.look();
    const before = (await site.store.leaks.accounts())[0]!;
    await site.store.challenges.choose({
      ...{ gateway: 'gate', camera: 'door', session: 1, sequence: 1, digest: 'a'.repeat(64) },
      ...{ frameTimeMs: 1, bundle: 'b'.repeat(64), receivedMs: 1, dueMs: 1 },
    });
    await site.store.transaction(async ({ challenges }) => {
      const [chosen] = await challenges.due(clock.now());
      await challenges.settle(chosen!, 'missing', 2);
    });
    await watch.look();
    const after = (await site.store.leaks.accounts())[0]!;
    expect(after.bits - before.bits).toBeCloseTo(2, 6);
  });
});
