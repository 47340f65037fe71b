import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kind } from '../kind.ts';

const TRIES = 200;
const BETWEEN_MS = 5;

/** What happens to the database. */
export const DATABASE_KINDS: readonly Kind[] = [
  {
    name: 'database-locked',
    what: 'another process holds the database for some seconds',
    targets: ['site'],
    lasts: [100, 5_000],
    needs: 'sqlite',
    strike: async ({ site }, { ms }, signal) => {
      const database = new DatabaseSync(join(site.data, 'blindsight.db'));
      try {
        // Tried now and then, because waiting inside would stop this process, too.
        if (!(await lock(database))) return;
        await delay(ms, undefined, { signal }).catch(() => {});
        database.exec('ROLLBACK');
      } finally {
        database.close();
      }
    },
  },
  {
    name: 'database-crash',
    what: 'the database server ends at once, and is there again some seconds later',
    targets: ['site'],
    lasts: [100, 6_000],
    needs: 'postgresql',
    strike: async ({ database }, { ms }, signal) => {
      await database!.crash();
      await delay(ms, undefined, { signal }).catch(() => {});
      await database!.restart();
    },
  },
];

async function lock(database: DatabaseSync): Promise<boolean> {
  for (let i = 0; i < TRIES; i++) {
    try {
      database.exec('BEGIN IMMEDIATE');
      return true;
    } catch {
      await delay(BETWEEN_MS);
    }
  }
  return false;
}
