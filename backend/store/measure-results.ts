import type { Database } from './database.ts';
import { sampleTable } from './sample-table.ts';

/** What the results take. */
export type ResultSize = {
  readonly bytes: number;
  /** Of one with its regions in the tables that rows are deleted from; null where `bytes` can simply be asked for again. */
  readonly bytesEach: number | null;
};

/** Of a row in PostgreSQL and its entries in the indexes, beside what the columns hold. */
const ROW_OVERHEAD_BYTES = 160;

/**
 * How many bytes the results take. SQLite: all pages of the file that are in use, whatever they hold. PostgreSQL: the files of all tables of days, and of their indexes.
 *
 * @param thinned tables of PostgreSQL that rows are deleted from, by whose files nobody sees that: these by their rows, as {@link sampleTable} has them
 */
export async function measureResults(
  database: Database,
  thinned: readonly string[] = [],
): Promise<ResultSize> {
  if (database.dialect.kind === 'sqlite') {
    const [row] = await database.all<{ bytes: number }>(
      `SELECT (page_count - freelist_count) * page_size AS bytes
       FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
    );
    return { bytes: row!.bytes, bytesEach: null };
  }
  const tables = await database.all<{ name: string; bytes: number | null }>(
    `SELECT relname AS name, pg_total_relation_size(pg_class.oid) AS bytes FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent IN (CAST('results' AS regclass), CAST('region_results' AS regclass))`,
  );
  let [bytes, ofThinned, results] = [0, 0, 0];
  for (const table of tables) {
    const file = table.bytes ?? 0;
    if (!thinned.includes(table.name)) {
      bytes += file;
      continue;
    }
    const { rows, bytes: columns } = await sampleTable(database, table.name);
    ofThinned += Math.min(file, columns + rows * ROW_OVERHEAD_BYTES);
    if (!table.name.startsWith('region_')) results += rows;
  }
  return { bytes: bytes + ofThinned, bytesEach: ofThinned / Math.max(1, results) };
}
