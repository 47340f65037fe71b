import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import { describeStore } from '../testing/store-contract.ts';
import { isDeadlock } from './is-deadlock.ts';
import { migrate } from './migrations.ts';
import { openPostgresql } from './postgresql.ts';
import { Store } from './store.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await startPostgres();
});
afterAll(() => cluster.stop());

describeStore('PostgreSQL', async () => openPostgresql(await cluster.createDatabase()));

describe('openPostgresql', () => {
  it('lets two processes migrate and write at once', async () => {
    const url = await cluster.createDatabase();
    const databases = [await openPostgresql(url), await openPostgresql(url)];
    await Promise.all(databases.map(migrate));
    const stores = databases.map((database) => new Store(database));
    for (let round = 0; round < 5; round++) {
      await Promise.all(stores.map((store) => store.counters.add('accepted')));
    }
    expect(await stores[0]!.counters.all()).toEqual({ accepted: 10 });
    await Promise.all(stores.map((store) => store.close()));
  });

  it('names a deadlock as what may be tried again, and nothing else', async () => {
    const database = await openPostgresql(await cluster.createDatabase());
    await database.run('CREATE TABLE pairs (id BIGINT PRIMARY KEY, value BIGINT)');
    await database.run('INSERT INTO pairs VALUES (1, 0), (2, 0)');
    const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const inOrder = (first: number, second: number, turn: number) =>
      database.transaction(async (inside) => {
        await inside.run('UPDATE pairs SET value = value + 1 WHERE id = ?', first);
        both[turn]!.resolve();
        await both[1 - turn]!.promise;
        await inside.run('UPDATE pairs SET value = value + 1 WHERE id = ?', second);
      });
    const outcomes = await Promise.allSettled([inOrder(1, 2, 0), inOrder(2, 1, 1)]);
    const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(failures.map(isDeadlock)).toEqual([true]);
    const twice = await database.run('INSERT INTO pairs VALUES (1, 0)').catch((error: unknown) => error);
    expect(twice).toMatchObject({ code: '23505' });
    expect(isDeadlock(twice)).toBe(false);
    await database.close();
  });

  it('says why it cannot connect, without the password', async () => {
    const url = 'postgresql://someone:hunter2@127.0.0.1:1/x';
    const failure = await openPostgresql(url).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(String(failure)).not.toContain('hunter2');
  });
});
