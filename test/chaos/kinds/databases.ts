import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { PostgresCluster } from '#backend/testing/postgres-cluster.ts';
import type { Kind } from '../kind.ts';

const TRIES = 200;
const BETWEEN_MS = 5;

/** One after the other: a server that is gone cannot end. */
const crashes = new WeakMap<PostgresCluster, Promise<void>>();

/** What happens to the database. */
export const DATABASE_KINDS: readonly Kind[] = [
  {
    name: 'database-locked',
    what: 'another process holds the database for some seconds',
    targets: ['site'],
    lasts: [100, 5_000],
    needs: 'sqlite',
    mayEnd: /database is locked/,
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
    mayEnd: /ECONNREFUSED|ECONNRESET|Connection terminated|the database system is/,
    strike: async ({ database }, { ms }, signal) => {
      const crash = async () => {
        await database!.crash();
        await delay(ms, undefined, { signal }).catch(() => {});
        await database!.restart();
      };
      const last = (crashes.get(database!) ?? Promise.resolve()).then(crash);
      crashes.set(database!, last);
      await last;
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
