import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '../store/database.ts';
import { migrate } from '../store/migrations.ts';
import { openPostgresql } from '../store/postgresql.ts';
import { Store } from '../store/store.ts';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import { classed, settledAnswer } from '../testing/settled-answer.ts';
import { RollUps } from './roll-ups.ts';

const DAY_MS = 86_400_000;
const NOW = 20_800 * DAY_MS;

let cluster: PostgresCluster;
let database: Database;
let other: Database;
beforeAll(async () => {
  cluster = await startPostgres();
  const url = await cluster.createDatabase();
  database = await openPostgresql(url);
  other = await openPostgresql(url);
  await migrate(database);
});
afterAll(async () => {
  await database.close();
  await other.close();
  await cluster.stop();
});

it('adds up, closes and forgets in a transaction that nobody who settles answers waits for', async () => {
  const [store, following] = [new Store(database), new Store(other)];
  const enrolled = { signingKey: 'PEM', certificateSerial: '01', certificateEndMs: 9, enrolledMs: 5 };
  await store.gateways.add({ name: 'gate', ...enrolled });
  const settle = (sequence: number, frameMs = NOW) =>
    store.settling(
      async (inside) => {
        const answer = settledAnswer(classed('present'), { sequence, frameMs });
        await inside.results.add({ ...answer, digest: 'd'.repeat(64) });
        await inside.gateways.advance('gate', answer);
        await inside.counters.add('accepted');
        await inside.feed.add('gate', 1, sequence, frameMs);
        await inside.publications.add('gate', 1, sequence, frameMs);
      },
      { gateways: ['gate'], cameras: ['door'] },
    );
  const rollUps = new RollUps({ minuteDays: 31, hourDays: 400, dayDays: 3660 });
  const pass = (nowMs: number, meanwhile = async () => {}) =>
    following.transaction(async (inside) => {
      await rollUps.take(inside, await inside.feed.take(9), nowMs);
      await rollUps.tick(inside, nowMs);
      await meanwhile();
    });
  await settle(1, NOW - 40 * DAY_MS);
  await pass(NOW - 40 * DAY_MS);
  await pass(NOW - 39 * DAY_MS);
  const minutes = async () => (await store.rollUps.all('minute', 0, 700_000_000)).length;
  expect(await minutes()).toBe(1);
  // All answers of before are to be added up, too: an answer that is settled meanwhile is not among them.
  await store.settings.set('history.built-before', `${NOW}`);
  await settle(2);
  rollUps.reset();
  let locks: unknown[] = [{}];
  await pass(NOW, async () => {
    // They end before this transaction does.
    for (const sequence of [3, 4]) await settle(sequence);
    locks = await database.all('SELECT mode FROM pg_locks WHERE NOT granted');
  });
  expect(locks).toEqual([]);
  expect(await store.counters.all()).toEqual({ accepted: 4 });
  // The minute of 40 days ago is forgotten, and that of today is there.
  expect(await minutes()).toBe(1);
  expect((await store.rollUps.all('day', 0, 700_000_000)).length).toBe(2);
  expect(await store.feed.waiting()).toBe(2);
});
