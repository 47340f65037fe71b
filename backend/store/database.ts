/** What a column can hold; times are milliseconds since the epoch. */
export type Value = null | number | string | Uint8Array;

/**
 * The small port between the store and a database: SQL that SQLite and PostgreSQL both understand, with `?` for
 * parameters. Two implementations pass the same contract test.
 */
export interface Database {
  readonly dialect: Dialect;
  /** Rows of a query, or of a statement with RETURNING; column names as in the SQL. */
  all<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]>;
  /** Runs a statement. @returns number of rows changed. */
  run(sql: string, ...values: readonly Value[]): Promise<number>;
  /**
   * Runs `work` so that all of it is durable or none of it; other callers wait or see the state before.
   * Inside, use only the database passed to `work`.
   */
  transaction<T>(work: (database: Database) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Syntax in which the two databases differ; see migrations.ts. */
export type Dialect = {
  readonly kind: 'sqlite' | 'postgresql';
  readonly integer: string;
  readonly bytes: string;
  /** The time of the database, ms since the epoch. */
  readonly now: string;
  readonly serial: string;
  /** Appended to CREATE TABLE. */
  readonly tableOptions: string;
};
