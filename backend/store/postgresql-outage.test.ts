import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import type { Database } from './database.ts';
import { migrate } from './migrations.ts';
import { openPostgresql } from './postgresql.ts';
import { Store } from './store.ts';

const AWAY = { code: 'STORE_UNAVAILABLE', message: expect.stringMatching(/^PostgreSQL does not answer: /) };

/** If the process does not survive, the test run ends: no test catches an error that nobody listens for. */
describe('PostgreSQL goes away', () => {
  let cluster: PostgresCluster;
  let database: Database;
  let store: Store;
  beforeAll(async () => {
    cluster = await startPostgres();
    database = await openPostgresql(await cluster.createDatabase());
    await migrate(database);
    store = new Store(database);
  });
  afterAll(async () => {
    await database.close();
    await cluster.stop();
  });

  it('while a transaction is open: it fails clearly, and the store goes on when the server is back', async () => {
    await store.counters.add('accepted', 5);
    const inside = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const cut = store.transaction(async (transaction) => {
      await transaction.counters.add('accepted', 100);
      inside.resolve();
      await gone.promise;
      await transaction.counters.add('accepted', 1000);
    });
    await inside.promise;
    await cluster.crash();
    gone.resolve();
    await expect(cut).rejects.toMatchObject(AWAY);
    await expect(store.counters.all()).rejects.toMatchObject(AWAY);
    await expect(store.transaction((other) => other.counters.add('accepted'))).rejects.toMatchObject(AWAY);
    await cluster.restart();
    await store.transaction((other) => other.counters.add('accepted'));
    expect(await store.counters.all()).toEqual({ accepted: 6 });
  });

  it('while a statement waits in a transaction', async () => {
    const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holder = store.transaction(async (transaction) => {
      await transaction.settings.set('row', 'held');
      one.resolve();
      await two.promise;
    });
    await one.promise;
    const waiting = store.transaction((transaction) => transaction.settings.set('row', 'waits'));
    const ended = Promise.allSettled([holder, waiting]);
    await cluster.crash();
    two.resolve();
    for (const result of await ended) expect(result).toMatchObject({ status: 'rejected', reason: AWAY });
    await cluster.restart();
    expect(await store.settings.get('row')).toBeNull();
  });

  it('one connection is ended by an administrator: only its transaction fails', async () => {
    const cut = store.transaction(async (transaction) => {
      await transaction.counters.add('accepted', 100);
      await database.all(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'`,
      );
      await transaction.counters.add('accepted', 1000);
    });
    await expect(cut).rejects.toMatchObject(AWAY);
    await store.counters.add('accepted');
    expect(await store.counters.all()).toEqual({ accepted: 7 });
  });
});
