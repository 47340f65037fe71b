import pg from 'pg';
import { BlindsightError } from '#protocol/errors.ts';
import type { Database, Dialect, Value } from './database.ts';

const DIALECT: Dialect = {
  kind: 'postgresql',
  integer: 'BIGINT',
  bytes: 'BYTEA',
  serial: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  tableOptions: '',
};

const INT8 = 20;

/** BIGINT as number: every integer that we store is below 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

/** `?` → `$1`, `$2` …; our SQL has no question marks inside literals. */
function numbered(sql: string): string {
  let count = 0;
  return sql.replace(/\?/g, () => {
    count += 1;
    return `$${count}`;
  });
}

type Queryable = Pick<pg.ClientBase, 'query'>;

class PostgresQueries {
  readonly dialect = DIALECT;
  readonly #target: Queryable;

  constructor(target: Queryable) {
    this.#target = target;
  }

  async all<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    const { rows } = await this.#target.query(numbered(sql), [...values]);
    return rows as Row[];
  }

  async run(sql: string, ...values: readonly Value[]): Promise<number> {
    const { rowCount } = await this.#target.query(numbered(sql), [...values]);
    return rowCount ?? 0;
  }
}

/** Inside a transaction: one client, and a nested transaction joins it. */
class PostgresTransaction extends PostgresQueries implements Database {
  transaction<T>(work: (database: Database) => Promise<T>): Promise<T> {
    return work(this);
  }

  async close(): Promise<void> {}
}

class PostgresDatabase extends PostgresQueries implements Database {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    super(pool);
    this.#pool = pool;
  }

  async transaction<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      const result = await work(new PostgresTransaction(client));
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      // A client whose ROLLBACK fails is broken: it must not go back to the pool.
      const broken = await client.query('ROLLBACK').then(
        () => false,
        () => true,
      );
      client.release(broken);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/**
 * Opens a PostgreSQL database.
 *
 * @param url postgresql://… as pg understands it; it may hold a password and is never logged.
 * @throws BlindsightError STORE_UNAVAILABLE where the server does not answer.
 */
export async function openPostgresql(url: string): Promise<Database> {
  const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 10_000, types });
  // An idle client that loses its server must not end the process: the next query reports it.
  pool.on('error', () => {});
  try {
    await pool.query('SELECT 1');
  } catch (cause) {
    await pool.end();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BlindsightError('STORE_UNAVAILABLE', `cannot open the PostgreSQL store: ${reason}`, { cause });
  }
  return new PostgresDatabase(pool);
}
