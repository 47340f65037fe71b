import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { siteFiles } from '#backend/site-folder.ts';
import { openPostgresql } from '#backend/store/postgresql.ts';
import { openSqliteReadOnly } from '#backend/store/sqlite.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import type { Found, Settled } from './account.ts';

/** All rows of answers that a site has, whatever became of them, and its counters; as they are in its database, past all that gives them out. */
export async function readSettled(data: string): Promise<Pick<Found, 'settled' | 'counters'>> {
  const { store } = await loadConfig(siteFiles(data).backendConfig, BackendConfig);
  const database =
    store.kind === 'sqlite'
      ? openSqliteReadOnly(store.file)
      : await openPostgresql((await readFile(join(data, 'postgresql.url'), 'utf8')).trim());
  try {
    const settled = await database.all<Settled>(
      'SELECT gateway, session, sequence, digest, withheld FROM results ORDER BY gateway, session, sequence',
    );
    const counters = await database.all<{ name: string; value: number }>('SELECT name, value FROM counters');
    return {
      settled,
      counters: Object.fromEntries(counters.map(({ name, value }) => [name, Number(value)])),
    };
  } finally {
    await database.close();
  }
}
