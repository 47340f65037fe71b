import pg from 'pg';
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
const COUNT = 6000;
const { signal } = new AbortController();

describe('forgetting days in PostgreSQL', () => {
  let cluster: PostgresCluster;
  let url: string;
  let database: Database;
  let store: Store;
  const others: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    url = await cluster.createDatabase();
    database = await another();
    store = new Store(database);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await Promise.all(others.splice(0).map((one) => one.close()));
  });

  const another = async () => {
    const opened = await openPostgresql(url);
    others.push(opened);
    return opened;
  };
  /** As somebody at psql who has read all results, and does not end the transaction. */
  const read = async () => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    others.push({ close: () => client.end() });
    await client.query('BEGIN; SELECT COUNT(*) FROM results; SELECT COUNT(*) FROM region_results');
    return client;
  };
  const begin = async () => {
    await migrate(database);
    await enrol();
  };
  const enrol = () =>
    store.gateways.add({
      ...{ name: 'gate', signingKey: 'PEM', certificateSerial: '01', certificateEndMs: 9, enrolledMs: 5 },
    });
  const settle = (day: number, sequence: number) =>
    store.settling(
      async (inside) => {
        const about = { gateway: 'gate', session: 1, sequence, digest: 'd'.repeat(64), camera: 'door' };
        const when = { frameMs: day * DAY_MS, storedMs: day * DAY_MS };
        const more = { model: 'counter', version: 1, withheld: null, results: [] };
        const record: ResultRecord = { ...about, ...when, ...more };
        const isAdded = await inside.results.add(record);
        if (isAdded) await inside.gateways.advance('gate', record);
        return isAdded;
      },
      { gateways: ['gate'], cameras: [] },
    );
  /** Many rows of a day, of three sessions of two gateways each, a millisecond apart. */
  const fill = (day: number, first = 0) =>
    database.run(
      `INSERT INTO results (gateway, session, sequence, digest, camera, model, version, frame_ms, stored_ms, result)
       SELECT 'filled-' || n % 2, n % 3, ${first} + n, repeat('d', 64), 'yard', 'counter', 1, ${day * DAY_MS} + n, ${day * DAY_MS} + n, repeat('x', 200)
       FROM generate_series(1, ${COUNT}) AS n`,
    );
  const tables = async () => {
    const rows = await database.all<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relname ~ '^results_(d|before)' AND relkind = 'r' ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  };
  const count = async () => {
    const [row] = await database.all<{ count: number }>('SELECT COUNT(*) AS count FROM results');
    return row!.count;
  };

  it('goes on round after round beside a reader who does not end: settling, days that come, and no session that is left waiting', async () => {
    await begin();
    await settle(20_000, 1);
    await settle(20_000, 2);
    await settle(20_001, 3);
    const reader = await read();
    const remover = new Store(await another());
    const other = new Store(await another());
    const waiting = () =>
      database.all(
        "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
    let day = 20_001;
    for (let round = 0; round < 3; round++) {
      let isOver = false;
      const removing = remover.results.removeBefore(20_001 * DAY_MS).finally(() => {
        isOver = true;
      });
      const outcome = expect(removing).rejects.toMatchObject({ code: 'TABLE_IN_USE' });
      do {
        day += 1;
        await other.results.prepare(day * DAY_MS);
        expect(await settle(day, day)).toBe(true);
        // Its place is taken: done again one by one, which looks for the tables.
        expect(await settle(day, 3)).toBe(false);
      } while (!isOver);
      await outcome;
      expect(await waiting(), `round ${round}`).toEqual([]);
      expect(await store.floors.covers('gate', { session: 1, sequence: 2 })).toBe(true);
    }
    expect(await tables()).toContain(`results_d${day + 2}`);
    await reader.query('ROLLBACK');
    expect(await remover.results.removeBefore(20_001 * DAY_MS)).toBe(2);
    expect(await tables()).not.toContain('results_d20000');
  });

  it('keeps within its bytes after a crash, of which the statistics are gone: whole days, then rows, and none for nothing', async () => {
    await begin();
    for (const [index, day] of [20_000, 20_001, 20_002].entries()) {
      await store.results.prepare(day * DAY_MS);
      await fill(day, index * COUNT);
    }
    const { bytes } = await measureResults(database);
    await Promise.all(others.splice(0).map((one) => one.close()));
    await cluster.crash();
    await cluster.restart();
    database = await another();
    store = new Store(database);
    expect((await measureResults(database)).bytes).toBeGreaterThan(COUNT * 3 * 300);
    expect(await store.results.removeBeyond(bytes * 0.8, signal)).toEqual({
      removed: COUNT,
      untilMs: 20_001 * DAY_MS - 1,
    });
    expect(await tables()).not.toContain('results_d20000');
    const once = await store.results.removeBeyond(bytes * 0.2, signal);
    expect(once.untilMs).toBeGreaterThanOrEqual(20_002 * DAY_MS);
    const left = await count();
    expect(left).toBeGreaterThan(COUNT / 4);
    // What was deleted by rows is no longer counted, though the file is as large as before.
    expect(await store.results.removeBeyond(bytes * 0.2, signal)).toEqual({ removed: 0, untilMs: null });
    expect(await count()).toBe(left);
  });

  it('deletes of what was stored before no more than is too much, while later days are there', async () => {
    await migrate(database, BEFORE);
    await enrol();
    await fill(20_000);
    await migrate(database);
    await settle(20_001, 1);
    const { bytes } = await measureResults(database);
    const { removed } = await store.results.removeBeyond(bytes * 0.6, signal);
    expect(removed).toBeGreaterThan(0);
    expect(await count()).toBe(COUNT + 1 - removed);
    expect(await count()).toBeGreaterThan(COUNT / 4);
    expect(await tables()).toEqual(['results_before', 'results_d20001']);
    expect(await store.results.removeBeyond(bytes * 0.6, signal)).toEqual({ removed: 0, untilMs: null });
    // Until it is empty; then its table goes, too.
    const own = (await measureResults(database, ['results_before'])).bytes;
    expect((await store.results.removeBeyond(Math.min(own, 200_000), signal)).removed).toBe(COUNT - removed);
    expect(await tables()).toEqual(['results_d20001']);
    expect(await count()).toBe(1);
  });

  it('reads no more of a day that goes than where its sessions end', async () => {
    await begin();
    await store.results.prepare(20_000 * DAY_MS);
    await fill(20_000);
    let read = 0;
    type Plan = { 'Actual Rows': number; 'Actual Loops': number; Plans?: Plan[] };
    const rowsOf = (plan: Plan): number =>
      plan['Actual Rows'] * plan['Actual Loops'] +
      (plan.Plans ?? []).reduce((sum, one) => sum + rowsOf(one), 0);
    const watched: Database = {
      ...{ dialect: database.dialect, run: database.run.bind(database), close: async () => {} },
      transaction: (work) => database.transaction(work),
      all: async <Row>(sql: string, ...values: never[]) => {
        if (/session.* FROM results_d\d/s.test(sql)) {
          const [row] = await database.all<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
            `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
          );
          read += rowsOf(row!['QUERY PLAN'][0].Plan);
        }
        return database.all<Row>(sql, ...values);
      },
    };
    expect(await new ResultPartitions(watched).dropUntil(20_001 * DAY_MS)).toBe(COUNT);
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(COUNT / 10);
    for (const n of [COUNT - 5, COUNT - 3, COUNT - 1, COUNT]) {
      const place = { session: n % 3, sequence: n };
      expect(await store.floors.covers(`filled-${n % 2}`, place)).toBe(true);
      expect(await store.floors.covers(`filled-${n % 2}`, { ...place, sequence: n + 6 })).toBe(false);
    }
  });

  it('gives the update that reads all results once no end, on either side, and what comes after it its own', async () => {
    await migrate(database, BEFORE);
    await enrol();
    await fill(20_000);
    await database.run('CREATE TABLE said (timeout TEXT)');
    await database.run(
      `CREATE FUNCTION say() RETURNS event_trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO said VALUES (current_setting('statement_timeout')); END $$`,
    );
    await database.run(
      `CREATE EVENT TRIGGER saying ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION say()`,
    );
    const queries = vi.spyOn(pg.Client.prototype, 'query');
    await migrate(database);
    const attaching = queries.mock.calls
      .map(([query]) => query as unknown as pg.QueryConfig & { query_timeout?: number })
      .filter(({ text }) => text?.includes('ATTACH PARTITION'));
    expect(attaching).toHaveLength(2);
    for (const { query_timeout } of attaching) expect(query_timeout).toBeGreaterThanOrEqual(3_600_000);
    const said = await database.all<{ timeout: string }>('SELECT DISTINCT timeout FROM said');
    expect(said.map(({ timeout }) => timeout)).toContain('0');
    expect(await database.all('SHOW statement_timeout')).toEqual([{ statement_timeout: '110s' }]);
  });
});
