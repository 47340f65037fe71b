import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresCluster, startPostgres } from '../testing/postgres-cluster.ts';
import type { Database } from './database.ts';
import { migrate } from './migrations.ts';
import { openPostgresql } from './postgresql.ts';
import { addressesOf, PostgresServers, READ_ONLY } from './postgresql-servers.ts';
import { Store } from './store.ts';
import { isStoreTrouble } from './store-trouble.ts';

describe('addresses of several servers of PostgreSQL', () => {
  it.each([
    ['postgresql://ann:p%40w@a/plaza', ['postgresql://ann:p%40w@a/plaza']],
    [
      'postgresql://ann:p%40w@a,b:5433/plaza?sslmode=verify-full&target_session_attrs=read-write',
      [
        'postgresql://ann:p%40w@a/plaza?sslmode=verify-full',
        'postgresql://ann:p%40w@b:5433/plaza?sslmode=verify-full',
      ],
    ],
    ['postgres://[::1]:5432,[::1]:5433/x', ['postgres://[::1]:5432/x', 'postgres://[::1]:5433/x']],
    [
      'postgresql://ann@/plaza?host=/run/a,/run/b&port=5432,5433',
      [
        'postgresql://ann@/plaza?host=%2Frun%2Fa&port=5432',
        'postgresql://ann@/plaza?host=%2Frun%2Fb&port=5433',
      ],
    ],
    ['postgresql://ann@/plaza?host=/run/a', ['postgresql://ann@/plaza?host=/run/a']],
  ])('%s', (url, addresses) => {
    expect(addressesOf(url)).toEqual(addresses);
  });

  it.each([
    'postgresql://ann:hunter2@a,b,c/plaza?port=1,2',
    'postgresql://ann:hunter2@a,b/plaza?target_session_attrs=standby',
  ])('that do not go together are refused, without the password: %s', async (url) => {
    const failure: unknown = await openPostgresql(url).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'STORE_ADDRESS' });
    expect(String(failure)).not.toContain('hunter2');
  });

  it('are each to be believed only with TLS that proves who it is', async () => {
    const url = 'postgresql://ann:hunter2@localhost,db.example.org/plaza';
    await expect(openPostgresql(url)).rejects.toMatchObject({ code: 'STORE_UNPROTECTED' });
  });
});

/** Of a server that is there, beside a standby: whoever reads that nothing is written would promote that one. */
async function refusalsOf(hosts: string, pathname: string, database: Database): Promise<void> {
  const as = (user: string) => `postgresql://${user}@${pathname}?host=${hosts}`;
  const options = { max: 1, connectionTimeoutMillis: 10_000 };
  const servers = (url: string) => new PostgresServers(addressesOf(url), options);
  const failure = async (url: string) => {
    const pool = servers(url);
    const error: unknown = await pool.connect().catch((error: unknown) => error);
    await pool.end();
    return error;
  };
  const busy = servers(as('blindsight'));
  const held = await busy.connect();
  await expect(busy.connect()).rejects.toThrow('timeout exceeded when trying to connect');
  held.release();
  // Once it has one again, it goes on there.
  (await busy.connect()).release();
  await busy.end();

  await database.run('CREATE ROLE narrow LOGIN CONNECTION LIMIT 0');
  expect(await failure(as('narrow'))).toMatchObject({ code: '53300' });
  await expect(openPostgresql(as('narrow'))).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('too many connections'),
  });

  // A machine that is there no more does not even refuse.
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const gone = new PostgresServers(
    [`postgresql://blindsight@127.0.0.1:${port}/x`, addressesOf(as('blindsight'))[0]!],
    options,
  );
  await expect(gone.connect()).rejects.toMatchObject({ code: READ_ONLY });
  await gone.end();
  silent.close();
}

describe('PostgreSQL with a standby', () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres();
  });
  afterAll(() => cluster.stop());

  it('takes no writes for a while: it is named, all can be read, and the store goes on', async () => {
    const url = await cluster.createDatabase();
    const database = await openPostgresql(url);
    await migrate(database);
    const store = new Store(database);
    await store.counters.add('accepted');
    const setReadOnly = async (value: 'on' | 'off') => {
      const admin = await openPostgresql(url);
      await admin.run(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
      await admin.run('SELECT pg_reload_conf()');
      await admin.close();
    };
    await setReadOnly('on');
    const readOnly = {
      code: 'STORE_READ_ONLY',
      message: expect.stringMatching(/^PostgreSQL takes no writes/),
    };
    // A server hears of its settings a moment later.
    await expect
      .poll(() => store.counters.add('accepted').catch((error: unknown) => error), { timeout: 60_000 })
      .toMatchObject(readOnly);
    const before = await store.counters.all();
    const cut = store.transaction((inside) => inside.counters.add('accepted'));
    await expect(cut).rejects.toMatchObject(readOnly);
    expect(await cut.catch(isStoreTrouble)).toBe(true);
    expect(await store.counters.all()).toEqual(before);
    await database.close();
    // Of a server alone it is said when something is to be written; of several, at once.
    const again = await openPostgresql(url);
    await again.close();
    await expect(openPostgresql(`${url},${cluster.host}`)).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
    const admin = await openPostgresql(
      `${url}&options=${encodeURIComponent('-c default_transaction_read_only=off')}`,
    );
    await admin.run('ALTER SYSTEM RESET default_transaction_read_only');
    await admin.run('SELECT pg_reload_conf()');
    await admin.close();
  });

  it('goes to the server that writes, and on with the standby when that takes over in the middle of a transaction', async () => {
    const standby = await cluster.standBy();
    const first = await cluster.createDatabase();
    const { pathname } = new URL(first.replace('@/', '@localhost/'));
    // The standby is named first, and is not the one that writes.
    const hosts = encodeURIComponent(`${standby.host},${cluster.host}`);
    const database = await openPostgresql(`postgresql://blindsight@${pathname}?host=${hosts}`);
    await migrate(database);
    const store = new Store(database);
    await store.counters.add('accepted', 5);
    await refusalsOf(hosts, pathname, database);
    const inside = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const work = async (transaction: Store) => {
      await transaction.counters.add('accepted', 100);
      await transaction.settings.set('done', 'once');
    };
    const cut = store.transaction(async (transaction) => {
      await work(transaction);
      inside.resolve();
      await gone.promise;
      await transaction.counters.add('accepted', 1000);
    });
    await inside.promise;
    await cluster.crash();
    gone.resolve();
    await expect(cut).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    // Until it takes over, it answers, and does not write.
    await expect(store.counters.all()).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
    await standby.promote();
    await expect
      .poll(() => store.transaction(work).then(() => 'done', isStoreTrouble), { timeout: 60_000 })
      .toBe('done');
    expect(await store.counters.all()).toEqual({ accepted: 105 });
    expect(await store.settings.get('done')).toBe('once');
    await database.close();
  });
});
