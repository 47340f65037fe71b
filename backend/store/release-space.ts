import { setImmediate } from 'node:timers/promises';
import type { Database } from './database.ts';

/** As `PRAGMA auto_vacuum` says it. */
const INCREMENTAL = 2;
/** Given back at a time: 4 MB, so that nobody waits long for the store. */
const SLICE_PAGES = 1000;
/** What stays for what comes next: 16 MB or a twentieth of the file. */
const KEPT_PAGES = 4096;
const KEPT_SHARE = 0.05;

/**
 * Gives the disk back what was deleted from a SQLite file. Files made before this was possible (`auto_vacuum` is none) keep their size, and use the room
 * again; so does PostgreSQL.
 */
export async function releaseSpace(database: Database, signal: AbortSignal): Promise<void> {
  if (database.dialect.kind !== 'sqlite') return;
  const pragma = async (name: string) => {
    const [row] = await database.all<Record<string, number>>(`PRAGMA ${name}`);
    return row![name]!;
  };
  if ((await pragma('auto_vacuum')) !== INCREMENTAL) return;
  const kept = Math.max(KEPT_PAGES, Math.floor((await pragma('page_count')) * KEPT_SHARE));
  for (let free = await pragma('freelist_count'); free > kept && !signal.aborted; ) {
    const pages = Math.min(SLICE_PAGES, free - kept);
    await database.transaction((inside) => inside.all(`PRAGMA incremental_vacuum(${pages})`));
    const left = await pragma('freelist_count');
    if (left >= free) return;
    free = left;
    await setImmediate();
  }
}
