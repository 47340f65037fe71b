import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { startPostgres } from '#backend/testing/postgres-cluster.ts';
import { childrenMs } from '../processor-time.ts';

export type CityStoreKind = 'sqlite' | 'postgresql';

/** The database of a city, as far as it is not a part of its backend. */
export type CityStore = {
  readonly postgresqlUrlFile?: string;
  /** Of its own processes so far, ms. */
  processorMs(): number;
  /** @param data the folder of the site */
  diskBytes(data: string): Promise<number>;
  stop(): Promise<void>;
};

/** Starts the database where it is one. @param folder for the file with its address */
export async function startCityStore(kind: CityStoreKind, folder: string): Promise<CityStore> {
  if (kind === 'sqlite') return { processorMs: () => 0, diskBytes: sqliteBytes, stop: async () => {} };
  const cluster = await startPostgres(undefined, { durable: true });
  const url = await cluster.createDatabase();
  const postgresqlUrlFile = join(folder, 'postgresql.url');
  await writeFile(postgresqlUrlFile, url, { mode: 0o600 });
  return {
    postgresqlUrlFile,
    processorMs: () => childrenMs(cluster.pid),
    diskBytes: () => postgresqlBytes(url),
    stop: () => cluster.stop(),
  };
}

/** Of the pages that hold something, whether they are in the file or in its log. */
async function sqliteBytes(folder: string): Promise<number> {
  const database = new DatabaseSync(join(folder, 'blindsight.db'), { readOnly: true });
  try {
    const count = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0]);
    return (count('page_count') - count('freelist_count')) * count('page_size');
  } finally {
    database.close();
  }
}

async function postgresqlBytes(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT pg_database_size(current_database()) AS bytes');
    return Number(rows[0].bytes);
  } finally {
    await client.end();
  }
}
