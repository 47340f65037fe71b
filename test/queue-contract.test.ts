import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { Database } from '#backend/store/database.ts';
import { migrate } from '#backend/store/migrations.ts';
import { openPostgresql } from '#backend/store/postgresql.ts';
import { openSqlite } from '#backend/store/sqlite.ts';
import { Store } from '#backend/store/store.ts';
import { type PostgresCluster, startPostgres } from '#backend/testing/postgres-cluster.ts';
import { describeQueue, type QueueBench } from './testing/queue-contract.ts';
import { makeStreamBench } from './testing/stream-bench.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await startPostgres();
});
afterAll(async () => {
  await cluster.stop();
});

async function makeSqlite(): Promise<() => Promise<Database>> {
  const folder = mkdtempSync(join(tmpdir(), 'blindsight-queue-'));
  const file = join(folder, 'blindsight.db');
  return async () => {
    const database = openSqlite(file);
    const { close } = database;
    return Object.assign(database, {
      close: async () => {
        await close.call(database);
        rmSync(folder, { recursive: true, force: true });
      },
    });
  };
}

async function makePostgresql(): Promise<() => Promise<Database>> {
  const url = await cluster.createDatabase();
  return () => openPostgresql(url);
}

const DATABASES = { SQLite: makeSqlite, PostgreSQL: makePostgresql };

async function tableBench(open: () => Promise<Database>): Promise<QueueBench> {
  const database = await open();
  await migrate(database);
  return {
    worker: async () => ({ store: new Store(database), die: async () => {} }),
    close: () => database.close(),
  };
}

for (const [name, make] of Object.entries(DATABASES)) {
  describeQueue(name, async () => tableBench(await make()));
  describeQueue(`JetStream, settled in ${name}`, async () => makeStreamBench(await make(), 1));
}
