import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import type { Database } from './database.ts';
import { measureResults } from './measure-results.ts';
import { migrate } from './migrations.ts';
import { openPostgresql } from './postgresql.ts';
import { ResultPartitions } from './result-partitions.ts';
import type { ResultRecord } from './results.ts';
import { Store } from './store.ts';

const DAY_MS = 86_400_000;
/** Schema before results were in tables of a day. */
const BEFORE = 38;
const WAIT = { timeout: 60_000, interval: 20 };
/** What is done while a day is taken out has the 10 s that this waits for a lock: a machine may be too busy for it. */
const WITHIN_A_LOCK = { retry: 2 };
/** Modes in which a writer holds tables, and what must not be asked of them beside it. */
const WITH_WRITERS = ['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock'];

const at = (day: number, sequence: number, more: Partial<ResultRecord> = {}): ResultRecord => ({
  ...{ gateway: 'gate', session: 1, sequence, digest: 'd'.repeat(64), camera: 'door', model: 'counter' },
  ...{ version: 1, frameMs: day * DAY_MS, storedMs: day * DAY_MS, withheld: null },
  results: ['left', 'right'].map((region) => ({ camera: 'door', region, sequence }) as never),
  ...more,
});

describe('results in tables of a day', () => {
  let cluster: PostgresCluster;
  let url: string;
  let database: Database;
  let store: Store;
  const others: Database[] = [];
  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    url = await cluster.createDatabase();
    database = await openPostgresql(url);
    store = new Store(database);
  });
  afterEach(async () => {
    await endReading();
    await Promise.all([database, ...others.splice(0)].map((one) => one.close()));
  });

  const another = async () => {
    const opened = await openPostgresql(url);
    others.push(opened);
    return opened;
  };
  let endReading = async () => {};
  /** Begins a transaction that has read all results and goes on, as pg_dump's does. @returns what ends it */
  const read = async () => {
    const reading = await another();
    const opened = Promise.withResolvers<void>();
    let isOver = false;
    const reader = reading.transaction(async (inside) => {
      await inside.all('SELECT COUNT(*) FROM results');
      await inside.all('SELECT COUNT(*) FROM region_results');
      opened.resolve();
      // Never silent for so long that it is ended.
      while (!isOver) await inside.all('SELECT pg_sleep(0.05)');
    });
    await opened.promise;
    endReading = () => {
      isOver = true;
      return reader;
    };
    return endReading;
  };
  const begin = async () => {
    await migrate(database);
    await enrol(store);
  };
  const enrol = ({ gateways }: Store) =>
    gateways.add({
      ...{ name: 'gate', signingKey: 'PEM', certificateSerial: '01', certificateEndMs: 9, enrolledMs: 5 },
    });
  /** As the processor does: what is beyond all that a gateway had is not looked for. */
  const settle = (into: Store, ...records: ResultRecord[]) => settleAfter(async () => {}, into, ...records);
  /** @param meet what is waited for once it is known how far the gateway is */
  const settleAfter = (meet: () => Promise<void>, into: Store, ...records: ResultRecord[]) =>
    into.settling(
      async (inside) => {
        await inside.gateways.sender('gate');
        await meet();
        const added: boolean[] = [];
        for (const record of records) {
          added.push(await inside.results.add(record));
          if (!added.at(-1)) continue;
          await inside.gateways.advance(record.gateway, record);
          await inside.counters.add('accepted');
          await inside.feed.add('gate', record.session, record.sequence, record.storedMs);
          await inside.publications.add('gate', record.session, record.sequence, record.storedMs);
        }
        return added;
      },
      { gateways: ['gate'], cameras: [] },
    );
  const tables = async () =>
    (
      await database.all<{ name: string }>(
        `SELECT relname AS name FROM pg_class WHERE relname ~ '^(region_|)results' AND relkind IN ('r', 'p') ORDER BY 1`,
      )
    ).map(({ name }) => name);
  const stored = async () =>
    (
      await database.all<{ sequence: number; day: number }>(
        `SELECT sequence, stored_ms / ${DAY_MS} AS day FROM results ORDER BY sequence, stored_ms`,
      )
    ).map(({ sequence, day }) => [sequence, day]);

  it('makes the table of a day with its first answer, and those of the next days before they come', async () => {
    await begin();
    expect(await tables()).toEqual(['region_results', 'results']);
    expect(await settle(store, at(20_000, 1), at(20_001, 2))).toEqual([true, true]);
    const days = (...numbers: number[]) =>
      ['region_results', 'results'].flatMap((name) => [name, ...numbers.map((day) => `${name}_d${day}`)]);
    expect(await tables()).toEqual(days(20_000, 20_001));
    // Two processes at once, and again.
    await Promise.all([store, new Store(await another())].map((one) => one.results.prepare(20_001 * DAY_MS)));
    expect(await tables()).toEqual(days(20_000, 20_001, 20_002, 20_003));
    expect((await store.publications.after(0, 9)).map(({ results }) => results.length)).toEqual([2, 2]);
    const taken = await store.transaction((inside) => inside.feed.take(9));
    expect(taken.map(({ sequence, results }) => [sequence, results.length])).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(await store.counters.all()).toEqual({ accepted: 2 });
  });

  it('has each place once, whatever the days: one after the other, in a batch, and by two processes at once', async () => {
    await begin();
    await settle(store, at(20_000, 5));
    expect(await settle(store, at(20_001, 5))).toEqual([false]);
    expect(await store.results.add(at(20_002, 5))).toBe(false);
    // A place that was left out, filled; then shown again a day later, beside one that is new.
    expect(await settle(store, at(20_001, 3))).toEqual([true]);
    expect(await settle(store, at(20_002, 3), at(20_002, 6))).toEqual([false, true]);
    await store.results.prepare(20_003 * DAY_MS);
    const other = new Store(await another());
    for (const place of [4, 7]) {
      // The day changes between the two, and neither knows of the other.
      const [one, two] = [at(20_003, place), at(20_004, place)];
      const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const meet = (turn: number) => () => {
        both[turn]!.resolve();
        return both[1 - turn]!.promise;
      };
      const outcomes = await Promise.all([
        settleAfter(meet(0), store, one),
        settleAfter(meet(1), other, two),
      ]);
      expect(outcomes.flat().sort(), `place ${place}`).toEqual([false, true]);
    }
    const all = await stored();
    expect(all.map(([sequence]) => sequence)).toEqual([3, 4, 5, 6, 7]);
    expect(await store.counters.all()).toEqual({ accepted: 5 });
  });

  it(
    'forgets whole days without a lock that a writer or a reader waits for, while others still read them',
    WITHIN_A_LOCK,
    async () => {
      await begin();
      await settle(store, at(20_000, 1), at(20_000, 2), at(20_001, 3));
      const endReading = await read();
      const remover = new Store(await another());
      let removed: number | null = null;
      const removing = remover.results.removeBefore(20_001 * DAY_MS + 5).then((count) => {
        removed = count;
      });
      // It is awaited below; until then nobody would hear of a failure but the process.
      removing.catch(() => {});
      const waiting = () =>
        database.all(
          `SELECT query FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE%' AND wait_event_type = 'Lock'`,
        );
      await vi.waitFor(async () => expect(await waiting()).toHaveLength(1), WAIT);
      const held = await database.all<{ mode: string }>(
        `SELECT DISTINCT mode FROM pg_locks JOIN pg_stat_activity USING (pid)
       WHERE query LIKE 'ALTER TABLE%' AND relation IN
         (SELECT oid FROM pg_class WHERE relname IN ('results', 'region_results', 'results_d20001', 'region_results_d20001'))`,
      );
      for (const { mode } of held) expect(WITH_WRITERS).toContain(mode);
      // It waits, and nobody else does.
      expect(await settle(store, at(20_001, 4), at(20_002, 5))).toEqual([true, true]);
      await store.results.prepare(20_002 * DAY_MS);
      expect((await store.results.latestRegions('door')).map(({ sequence }) => sequence)).toEqual([5, 5]);
      expect(await store.floors.covers('gate', { session: 1, sequence: 2 })).toBe(true);
      expect([await waiting(), removed]).toEqual([[expect.anything()], null]);
      await Promise.all([endReading(), removing]);
      expect(removed).toBe(2);
      expect(await stored()).toEqual([
        [3, 20_001],
        [4, 20_001],
        [5, 20_002],
      ]);
      expect((await tables()).filter((name) => name.includes('20000'))).toEqual([]);
    },
  );

  it(
    'finishes what was cut off while a day was taken out, and opens none of its places meanwhile',
    WITHIN_A_LOCK,
    async () => {
      await begin();
      await settle(store, at(20_000, 1), at(20_000, 2), at(20_001, 3));
      const endReading = await read();
      const removing = new Store(await another()).results.removeBefore(20_001 * DAY_MS);
      const cut = expect(removing).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      const ended = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE query LIKE 'ALTER TABLE %' AND wait_event_type = 'Lock'`;
      await vi.waitFor(async () => expect(await database.all(ended)).toHaveLength(1), WAIT);
      await cut;
      await endReading();
      expect(await store.floors.covers('gate', { session: 1, sequence: 2 })).toBe(true);
      expect((await tables()).filter((name) => name.endsWith('20000'))).not.toEqual([]);
      expect(await store.results.removeBefore(20_001 * DAY_MS)).toBe(2);
      expect((await tables()).filter((name) => name.endsWith('20000'))).toEqual([]);
      // Taken out, but not dropped.
      await settle(store, at(20_003, 4));
      await database.run('ALTER TABLE results DETACH PARTITION results_d20001');
      expect(await store.results.removeBefore(20_002 * DAY_MS)).toBe(1);
      expect(await store.floors.covers('gate', { session: 1, sequence: 3 })).toBe(true);
      expect(await stored()).toEqual([[4, 20_003]]);
    },
  );

  it('drops whole days where results would take too much, and never the newest', async () => {
    await begin();
    const writer = new Store(await openPostgresql(url));
    for (const day of [20_000, 20_001, 20_002]) await settle(writer, at(day, day));
    await writer.results.prepare(20_002 * DAY_MS);
    await writer.close();
    // Its connections say how many rows they wrote when they end, at the latest.
    const sessions = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'";
    await vi.waitFor(async () => expect(await database.all(sessions)).toEqual([]), WAIT);
    await database.run('VACUUM ANALYZE results, region_results');
    const { bytes } = await measureResults(database);
    const { signal } = new AbortController();
    expect(await store.results.removeBeyond(bytes, signal)).toEqual({ removed: 0, untilMs: null });
    const { removed, untilMs } = await store.results.removeBeyond(bytes * 0.4, signal);
    expect([removed, untilMs]).toEqual([2, 20_002 * DAY_MS - 1]);
    expect(await stored()).toEqual([[20_002, 20_002]]);
    expect(await store.floors.covers('gate', { session: 1, sequence: 20_001 })).toBe(true);
  });

  it('takes what was stored before as the oldest part, in place, and forgets it first by rows and then whole', async () => {
    await migrate(database, BEFORE);
    await enrol(store);
    const add = (day: number, sequence: number) =>
      database.transaction(async (inside) => {
        const more = [day * DAY_MS, day * DAY_MS + 1];
        await inside.run(
          `INSERT INTO results (gateway, session, sequence, digest, camera, model, version, frame_ms, stored_ms)
           VALUES ('gate', 1, ?, 'x', 'door', 'counter', 1, ?, ?)`,
          ...[sequence, ...more],
        );
        await inside.run(
          `INSERT INTO region_results (gateway, session, sequence, region, camera, frame_ms, stored_ms, result)
           VALUES ('gate', 1, ?, 'left', 'door', ?, ?, '{"camera":"door"}')`,
          ...[sequence, ...more],
        );
        await inside.run(`INSERT INTO feed (gateway, session, sequence) VALUES ('gate', 1, ?)`, sequence);
      });
    for (const [day, sequence] of [
      [20_000, 1],
      [20_001, 2],
      [20_002, 3],
    ] as const)
      await add(day, sequence);
    await database.run('UPDATE gateways SET last_session = 1, last_sequence = 3');
    const filed = await database.all("SELECT pg_relation_filenode('results') AS node");
    await migrate(database);
    expect(await database.all("SELECT pg_relation_filenode('results_before') AS node")).toEqual(filed);
    expect(await tables()).toEqual(['region_results', 'region_results_before', 'results', 'results_before']);
    expect(await new ResultPartitions(database).hasBefore()).toBe(true);
    // Still known, in an order of a later day, too; the rest of the newest day is in it.
    expect(await settle(store, at(20_003, 2), at(20_002, 4), at(20_003, 5))).toEqual([false, true, true]);
    expect(await store.results.digestAt('gate', 1, 2)).toBe('x');
    const taken = await store.transaction((inside) => inside.feed.take(9));
    expect(taken.map(({ sequence, results }) => [sequence, results.length])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 2],
      [5, 2],
    ]);
    const left = async (day: number) => {
      const removed = await store.results.removeBefore(day * DAY_MS + 7);
      return [removed, (await stored()).map(([sequence]) => sequence)];
    };
    expect(await left(20_001)).toEqual([1, [2, 3, 4, 5]]);
    expect(await left(20_002)).toEqual([1, [3, 4, 5]]);
    expect(await left(20_003)).toEqual([2, [5]]);
    expect(await tables()).toEqual(['region_results', 'region_results_d20003', 'results', 'results_d20003']);
    expect(await store.floors.covers('gate', { session: 1, sequence: 4 })).toBe(true);
    expect(await store.floors.covers('gate', { session: 1, sequence: 5 })).toBe(false);
  });
});
