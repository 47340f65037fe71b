import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import { describeStore } from '../testing/store-contract.ts';
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

  it('says why it cannot connect, without the password', async () => {
    const url = 'postgresql://someone:hunter2@127.0.0.1:1/x';
    const failure = await openPostgresql(url).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(String(failure)).not.toContain('hunter2');
  });
});
