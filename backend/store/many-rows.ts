import type { Database, Value } from './database.ts';

/** Rows of a statement: few different lengths, because a statement of each is kept prepared. */
const LENGTHS = [64, 32, 16, 8, 4, 2, 1];

/** Splits rows into runs of a few lengths, in order. */
export function inRuns<Row>(rows: readonly Row[]): Row[][] {
  const runs: Row[][] = [];
  for (let at = 0; at < rows.length; ) {
    const length = LENGTHS.find((one) => one <= rows.length - at)!;
    runs.push(rows.slice(at, at + length));
    at += length;
  }
  return runs;
}

/** `(?, ?), (?, ?)`: so many rows of so many columns. */
export function marks(rows: number, columns: number | readonly string[]): string {
  const row = typeof columns === 'number' ? Array.from({ length: columns }, () => '?') : columns;
  return Array.from({ length: rows }, () => `(${row.join(', ')})`).join(', ');
}

/**
 * Inserts rows, in order, in as few statements as there are {@link inRuns runs}.
 *
 * @param into `INSERT INTO table (columns)`
 * @param conflict what follows the rows: `ON CONFLICT …`
 * @returns how many were inserted or changed
 */
export async function insertRows(
  database: Database,
  into: string,
  rows: readonly (readonly Value[])[],
  conflict = '',
): Promise<number> {
  let changed = 0;
  for (const run of inRuns(rows)) {
    const sql = `${into} VALUES ${marks(run.length, run[0]!.length)} ${conflict}`;
    changed += await database.run(sql, ...run.flat());
  }
  return changed;
}

/**
 * Rows whose key is one of some.
 *
 * @param select with `IN` at its end
 */
export async function rowsOf<Row>(
  database: Database,
  select: string,
  keys: readonly Value[],
  after = '',
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const run of inRuns(keys))
    rows.push(...(await database.all<Row>(`${select} (${run.map(() => '?').join(', ')}) ${after}`, ...run)));
  return rows;
}
