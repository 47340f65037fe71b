import type { BackendConfig } from '#config/schema.ts';
import { readSecretFile } from '#runtime/files.ts';
import type { Database } from './database.ts';
import { migrate } from './migrations.ts';
import { ObservedDatabase } from './observed-database.ts';
import type { OutsideInbox } from './outside-inbox.ts';
import { openPostgresql } from './postgresql.ts';
import { openSqlite } from './sqlite.ts';
import { Store } from './store.ts';
import type { StoreTrouble } from './store-trouble.ts';

async function openDatabase(config: BackendConfig['store']): Promise<Database> {
  if (config.kind === 'sqlite') return openSqlite(config.file);
  const url = Buffer.from(await readSecretFile(config.urlFile))
    .toString('utf8')
    .trim();
  return openPostgresql(url);
}

/**
 * Opens the store named by the configuration and brings its schema up to date.
 *
 * @param onTrouble called for each failure caused by the store
 * @param outside the inbox, where it is not in the store
 * @throws BlindsightError STORE_UNAVAILABLE, STORE_TOO_NEW, DISK_FULL.
 */
export async function openStore(
  config: BackendConfig['store'],
  onTrouble: (trouble: StoreTrouble) => void = () => {},
  outside: OutsideInbox | null = null,
): Promise<Store> {
  const database = await openDatabase(config);
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return new Store(new ObservedDatabase(database, onTrouble), {}, outside);
}
