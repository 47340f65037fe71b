import type { Database } from './database.ts';

/** Pages of 8 KB that are read. */
const PAGES = 2000;

type Sampled = { readonly rows: number; readonly bytes: number };

/**
 * How many rows a table of PostgreSQL has, and what their columns take, by those of some of its pages; exactly where it has few. They are always the same pages, so that whoever
 * asks again sees what changed, and not chance. PostgreSQL's own statistics are gone after a crash, and a standby that takes over never had them.
 */
export async function sampleTable(database: Database, name: string): Promise<Sampled> {
  const [size] = await database.all<{ pages: number }>(
    `SELECT pg_relation_size('${name}') / CAST(current_setting('block_size') AS BIGINT) AS pages`,
  );
  const share = Math.min(1, PAGES / Math.max(1, size!.pages));
  const [row] = await database.all<Sampled>(
    `SELECT COUNT(*) AS rows, COALESCE(SUM(pg_column_size(part.*)), 0) AS bytes
     FROM ${name} AS part TABLESAMPLE SYSTEM (${100 * share}) REPEATABLE (1)`,
  );
  return { rows: Math.round(row!.rows / share), bytes: row!.bytes / share };
}
