/**
 * SQL that makes of results a table with parts (ResultPartitions). What is stored already stays in its table, which becomes the oldest part, up to the midnight after its newest row. It is read once, to see that nothing in it is newer, and
 * not copied. By hand, because its name and those of its indexes go to the whole.
 */
export function partitionedResults(): string[] {
  const tables = ['results', 'region_results'].flatMap((table) => [
    `ALTER TABLE ${table} RENAME TO ${table}_before`,
    ...['pkey', 'camera', 'stored', ...(table === 'results' ? ['withheld'] : [])].map(
      (index) => `ALTER INDEX ${table}_${index} RENAME TO ${table}_before_${index}`,
    ),
    `CREATE TABLE ${table} (LIKE ${table}_before INCLUDING DEFAULTS) PARTITION BY RANGE (stored_ms)`,
    `CREATE INDEX ${table}_camera ON ${table} (camera, frame_ms)`,
    `CREATE INDEX ${table}_stored ON ${table} (stored_ms)`,
    ...(table === 'results'
      ? [`CREATE INDEX results_withheld ON results (camera, frame_ms) WHERE withheld IS NOT NULL`]
      : []),
    `DO $$
     DECLARE newest BIGINT := (SELECT MAX(stored_ms) FROM ${table}_before);
     BEGIN
       IF newest IS NULL THEN
         DROP TABLE ${table}_before;
       ELSE
         EXECUTE format('ALTER TABLE ${table} ATTACH PARTITION ${table}_before FOR VALUES FROM (MINVALUE) TO (%s)',
           (newest / 86400000 + 1) * 86400000);
       END IF;
     END $$`,
  ]);
  // That it is read once takes as long as it takes; others get their time back.
  return ['SET LOCAL statement_timeout = 0', ...tables, `SET LOCAL statement_timeout = '110s'`];
}
