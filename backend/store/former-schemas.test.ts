import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import type { Database } from './database.ts';
import { migrate, SCHEMA_VERSION } from './migrations.ts';
import { openPostgresql } from './postgresql.ts';
import { openSqlite } from './sqlite.ts';
import { Store } from './store.ts';

const DUMPS = fileURLToPath(new URL('../../test/data/stores/', import.meta.url));
const DAY_MS = 86_400_000;
const FIRST_MS = 20_727 * DAY_MS;

/** Columns and indexes, as they are in a store that was made today; but for the tables of days. */
const SHAPES = {
  sqlite: `SELECT m.name AS "table", c.name AS "column", c.type || c."notnull" || COALESCE(c.dflt_value, '') || c.pk AS shape
    FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table'
    UNION ALL SELECT tbl_name, name, type FROM sqlite_master WHERE type <> 'table' ORDER BY 1, 2`,
  postgresql: `SELECT table_name AS "table", column_name AS "column", data_type || is_nullable || COALESCE(column_default, '') || is_identity AS shape
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name !~ 'results_(d[0-9]|before)'
    UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename !~ 'results_(d[0-9]|before)'
    UNION ALL SELECT CAST(tgrelid AS regclass)::text, tgname, '' FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2`,
};

/** Stores of schemas of before, as databases wrote them then, are brought to that of today. */
describe('a store of before', () => {
  let cluster: PostgresCluster;
  let folder: string;
  let count = 0;
  beforeAll(async () => {
    cluster = await startPostgres();
    folder = mkdtempSync(join(tmpdir(), 'blindsight-schemas-'));
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true });
  });

  /** @param dump SQL that is run first */
  async function open(kind: 'sqlite' | 'postgresql', dump = ''): Promise<Database> {
    if (kind === 'sqlite') {
      count++;
      const file = join(folder, `${count}.db`);
      const former = new DatabaseSync(file);
      former.exec(dump);
      former.close();
      return openSqlite(file);
    }
    const url = await cluster.createDatabase();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(dump);
    await client.end();
    return openPostgresql(url);
  }

  it.each(readdirSync(DUMPS))('%s goes on as one that was made today', async (name) => {
    const [, word, version] = /^(sqlite|postgresql)-(\d+)\.sql$/.exec(name)!;
    const kind = word as 'sqlite' | 'postgresql';
    const database = await open(kind, readFileSync(join(DUMPS, name), 'utf8'));
    const [before] = await database.all('SELECT version FROM schema_version');
    expect(before).toEqual({ version: Number(version) });
    expect(Number(version)).toBeLessThan(SCHEMA_VERSION);
    await migrate(database);
    await migrate(database);
    const fresh = await open(kind);
    await migrate(fresh);
    expect(await database.all(SHAPES[kind])).toEqual(await fresh.all(SHAPES[kind]));
    await fresh.close();

    const store = new Store(database);
    expect(await store.gateways.get('gate')).toMatchObject({ last: { session: 7, sequence: 6 } });
    expect(await store.counters.all()).toEqual({ accepted: 6 });
    expect(await store.inbox.count()).toBe(1);
    const span = { sinceMs: FIRST_MS, beforeMs: FIRST_MS + 9 * DAY_MS };
    const told = async (region?: string) =>
      (await store.results.history('door-gate', span, 9, region)).map(({ result }) => result.sequence);
    expect([await told(), await told('left')]).toEqual([[2, 4], [6]]);
    const published = await store.publications.after(0, 9);
    expect(published.map(({ results }) => results.map(({ sequence }) => sequence))).toEqual([
      [4],
      [5, 5],
      [6, 6],
    ]);
    const fed = await store.transaction((inside) => inside.feed.take(9));
    expect(fed.map(({ sequence, withheld }) => [sequence, withheld])).toEqual([
      [1, null],
      [2, null],
      [3, 'range'],
      [4, null],
      [5, null],
      [6, null],
    ]);
    // What was settled then is not settled again, and new answers are.
    const settle = (sequence: number) =>
      store.settling(async (inside) => {
        const storedMs = FIRST_MS + 30 * DAY_MS;
        const about = { gateway: 'gate', session: 7, camera: 'door-gate', model: 'counter', version: 1 };
        const how = { digest: 'e'.repeat(64), withheld: null, results: [] };
        const added = await inside.results.add({ ...about, ...how, sequence, frameMs: storedMs, storedMs });
        if (added) await inside.gateways.advance('gate', { session: 7, sequence });
        return added;
      });
    expect([await settle(2), await settle(7), await settle(7)]).toEqual([false, true, false]);
    expect(await store.floors.covers('gate', { session: 6, sequence: 9 })).toBe(true);
    expect(await store.results.removeBefore(FIRST_MS + 29 * DAY_MS)).toBe(6);
    expect(await store.floors.covers('dock', { session: 7, sequence: 5 })).toBe(true);
    await store.close();
  });
});
