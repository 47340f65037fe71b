import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PostgresCluster } from '#backend/testing/postgres-cluster.ts';
import type { Kind } from '../kind.ts';

const run = promisify(execFile);
const TRIES = 200;
const BETWEEN_MS = 5;

/** One after the other: a server that is gone cannot end. */
const turns = new WeakMap<PostgresCluster, Promise<void>>();

const inTurn =
  (
    strike: (database: PostgresCluster, ...given: Tail<Parameters<Kind['strike']>>) => Promise<void>,
  ): Kind['strike'] =>
  async ({ database }, ...given) => {
    const last = (turns.get(database!) ?? Promise.resolve()).then(() => strike(database!, ...given));
    turns.set(database!, last);
    await last;
  };
type Tail<T> = T extends [unknown, ...infer Others] ? Others : never;

const server = {
  targets: ['site'],
  lasts: [100, 6_000],
  needs: 'postgresql',
  mayEnd:
    /ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|Connection terminated|the database system is|terminating connection/,
} as const;

/** Processes of the server that serve somebody. */
async function sessionsOf({ pid }: PostgresCluster): Promise<readonly number[]> {
  const { stdout } = await run('ps', ['--ppid', String(pid), '-o', 'pid=,args=']).catch(() => ({
    stdout: '',
  }));
  const lines = stdout.split('\n').filter((line) => line.includes('[local]'));
  return lines.map((line) => Number.parseInt(line, 10));
}

/** Some of them may have ended meanwhile. */
function hurt(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

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
    ...server,
    name: 'database-crash',
    what: 'the database server ends at once, and is there again some seconds later',
    strike: inTurn(async (database, { ms }, signal) => {
      await database.crash();
      await delay(ms, undefined, { signal }).catch(() => {});
      await database.restart();
    }),
  },
  {
    ...server,
    name: 'database-restart',
    what: 'the database server is ended as a service manager does it, and is there again some seconds later',
    strike: inTurn(async (database, { ms }, signal) => {
      await database.crash('SIGINT');
      await delay(ms, undefined, { signal }).catch(() => {});
      await database.restart();
    }),
  },
  {
    ...server,
    name: 'database-process-killed',
    what: 'kill -9 of a process of the database server, which ends all others and recovers',
    lasts: [0, 0],
    strike: inTurn(async (database, { amount }) => {
      const some = await sessionsOf(database);
      hurt(some.slice(Math.floor(amount * some.length)).slice(0, 1), 'SIGKILL');
    }),
  },
  {
    ...server,
    name: 'database-connections-cut',
    what: 'the database server ends all connections',
    lasts: [0, 0],
    strike: inTurn(async (database) => hurt(await sessionsOf(database), 'SIGTERM')),
  },
  {
    ...server,
    name: 'database-pause',
    what: 'all of the database server is stopped for some seconds',
    strike: inTurn(async (database, { ms }, signal) => {
      const all = [...(await sessionsOf(database)), database.pid!];
      hurt(all, 'SIGSTOP');
      await delay(ms, undefined, { signal }).catch(() => {});
      hurt(all, 'SIGCONT');
    }),
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
