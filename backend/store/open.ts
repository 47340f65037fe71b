import type { BackendConfig } from '#config/schema.ts';
import { readSecretFile } from '#runtime/files.ts';
import type { Database } from './database.ts';
import { migrate } from './migrations.ts';
import { openPostgresql } from './postgresql.ts';
import { openSqlite } from './sqlite.ts';
import { Store } from './store.ts';

async function openDatabase(config: BackendConfig['store']): Promise<Database> {
  if (config.kind === 'sqlite') return openSqlite(config.file);
  const url = Buffer.from(await readSecretFile(config.urlFile))
    .toString('utf8')
    .trim();
  return openPostgresql(url);
}

/**
 * Opens the store that the configuration names, with its schema brought up to date.
 *
 * @throws BlindsightError STORE_UNAVAILABLE, STORE_TOO_NEW.
 */
export async function openStore(config: BackendConfig['store']): Promise<Store> {
  const database = await openDatabase(config);
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return new Store(database);
}
