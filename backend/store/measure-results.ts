import type { Database } from './database.ts';

/** What the results take. */
export type ResultSize = {
  readonly bytes: number;
  /** Of one with its regions, where `bytes` is an estimate that lags behind deletions; null where it can simply be asked for again. */
  readonly bytesEach: number | null;
};

/** Of a row in PostgreSQL and its entries in the indexes, beside what the columns hold. */
const ROW_OVERHEAD_BYTES = 160;
/** Rows that say how large one is: the newest. */
const SAMPLE = 500;

/**
 * How many bytes the results take. SQLite: all pages of the file that are in use, whatever they hold, exactly. PostgreSQL, whose tables keep the room of what
 * was deleted: rows by its statistics, times the mean size of the newest.
 */
export async function measureResults(database: Database): Promise<ResultSize> {
  if (database.dialect.kind === 'sqlite') {
    const [row] = await database.all<{ bytes: number }>(
      `SELECT (page_count - freelist_count) * page_size AS bytes
       FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
    );
    return { bytes: row!.bytes, bytesEach: null };
  }
  const results = await measureTable(database, 'results');
  const regions = await measureTable(database, 'region_results');
  const bytes = results.rows * results.each + regions.rows * regions.each;
  return { bytes, bytesEach: bytes / Math.max(1, results.rows) };
}

async function measureTable(database: Database, table: string): Promise<{ rows: number; each: number }> {
  const [row] = await database.all<{ live: number | string; mean: number | string | null }>(
    `SELECT (SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = CAST('${table}' AS regclass)) AS live,
       (SELECT AVG(pg_column_size(newest.*)) FROM
         (SELECT * FROM ${table} ORDER BY stored_ms DESC LIMIT ${SAMPLE}) AS newest) AS mean`,
  );
  return { rows: Number(row!.live), each: Number(row!.mean ?? 0) + ROW_OVERHEAD_BYTES };
}
