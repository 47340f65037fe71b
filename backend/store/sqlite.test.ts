import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeStore } from '../testing/store-contract.ts';
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

  it('names the file that it cannot open', () => {
    expect(() => openSqlite(join(directory, 'missing', 'x.db'))).toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('x.db') }),
    );
  });
});
