import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { describeStore } from '../testing/store-contract.ts';
import type { Database } from './database.ts';
import { migrate } from './migrations.ts';
import { openSqlite } from './sqlite.ts';
import { Store } from './store.ts';

const directory = mkdtempSync(join(tmpdir(), 'blindsight-sqlite-'));
let count = 0;
const nextFile = () => {
  count += 1;
  return join(directory, `${count}.db`);
};
afterAll(() => rmSync(directory, { recursive: true }));

describeStore('SQLite', async () => openSqlite(nextFile()));

describe('openSqlite', () => {
  it('makes a file that only its owner reads, synced on every commit', async () => {
    const file = nextFile();
    const database = openSqlite(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await database.all('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    expect(await database.all('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
    await database.close();
  });

  it('serves two connections at once', async () => {
    const file = nextFile();
    const [first, second] = [openSqlite(file), openSqlite(file)];
    await Promise.all([migrate(first), migrate(second)]);
    const stores = [new Store(first), new Store(second)];
    for (let round = 0; round < 10; round++) {
      await Promise.all(stores.map((store) => store.counters.add('accepted')));
    }
    expect(await stores[0]!.counters.all()).toEqual({ accepted: 20 });
    await Promise.all(stores.map((store) => store.close()));
  });

  it('reads with a list of values while somebody writes, and writes with one', async () => {
    const file = nextFile();
    const database = openSqlite(file);
    await database.run('CREATE TABLE t (a INTEGER)');
    await database.transaction(async (inside) => {
      await inside.run('INSERT INTO t VALUES (1)');
      const read = 'WITH asked (a) AS (VALUES (?)) SELECT a, (SELECT COUNT(*) FROM t) AS count FROM asked';
      expect(await database.all(read, 7)).toEqual([{ a: 7, count: 0 }]);
    });
    const write = 'WITH asked (a) AS (VALUES (?)) INSERT INTO t SELECT a FROM asked RETURNING a';
    expect(await database.all(write, 9)).toEqual([{ a: 9 }]);
    await database.close();
  });

  it('opens a file that another connection writes', async () => {
    const file = nextFile();
    const first = openSqlite(file);
    await migrate(first);
    await first.transaction(async () => {
      const second = openSqlite(file);
      expect(await second.all('PRAGMA auto_vacuum')).toEqual([{ auto_vacuum: 2 }]);
      await second.close();
    });
    await first.close();
  });

  it('gives the disk back what was deleted, up to what comes next', async () => {
    const file = nextFile();
    const store = await fill(openSqlite(file));
    const before = pages(file);
    await store.results.removeBefore(1e9);
    expect(pages(file)).toBe(before);
    await store.results.releaseSpace(new AbortController().signal);
    expect(pages(file)).toBeLessThan(before - 1000);
    expect(pages(file)).toBeGreaterThanOrEqual(4096);
    await store.close();
  });

  it('leaves a file of before at its size, and uses its room again', async () => {
    const file = nextFile();
    const earlier = new DatabaseSync(file);
    earlier.exec('PRAGMA journal_mode = WAL; CREATE TABLE earlier (number INTEGER)');
    earlier.close();
    const store = await fill(openSqlite(file));
    const before = pages(file);
    await store.results.removeBefore(1e9);
    await store.results.releaseSpace(new AbortController().signal);
    await fill(store);
    expect(pages(file)).toBeLessThan(before * 1.05);
    await store.close();
  });

  it('names the file that it cannot open', () => {
    expect(() => openSqlite(join(directory, 'missing', 'x.db'))).toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('x.db') }),
    );
  });
});

function pages(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  const row = database.prepare('PRAGMA page_count').get() as { page_count: number };
  database.close();
  return row.page_count;
}

/** Some 28 MB of results. */
async function fill(database: Database | Store): Promise<Store> {
  const store = database instanceof Store ? database : new Store(database);
  if (!(database instanceof Store)) await migrate(database);
  await store.transaction(async (inside) => {
    for (let sequence = 0; sequence < 1400; sequence++)
      await inside.results.add({
        ...{
          gateway: 'gate',
          session: 1,
          sequence,
          digest: 'a'.repeat(64),
          camera: 'door',
          model: 'net',
          version: 1,
        },
        ...{ frameMs: sequence, storedMs: sequence, withheld: 'x'.repeat(20_000), results: [] },
      });
  });
  return store;
}
