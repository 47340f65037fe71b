import pg from 'pg';
import { BlindsightError } from '#protocol/errors.ts';
import type { Database, Dialect, Value } from './database.ts';
import { checkPostgresqlAddress } from './postgresql-address.ts';

const DIALECT: Dialect = {
  kind: 'postgresql',
  integer: 'BIGINT',
  bytes: 'BYTEA',
  now: 'CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)',
  serial: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  tableOptions: '',
};

const INT8 = 20;

/** BIGINT as number: every integer we store is below 2^53. */
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

/** Classes of SQLSTATE: connection, operator intervention (shut down), system error; a transaction that was silent for too long; and Node's socket errors. */
const AWAY =
  /^(08|57P|58|25P03)|^(ECONN\w+|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
const AWAY_WORDS = /connection terminated|not queryable|timeout exceeded|Query read timeout/i;
const NO_SPACE = '53100';

/** Names failures that a person can fix. */
function named(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof BlindsightError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const { message } = error;
  if (code === NO_SPACE) {
    return new BlindsightError('DISK_FULL', `the disk of PostgreSQL is full: ${message}`, { cause: error });
  }
  if (!AWAY.test(code) && !AWAY_WORDS.test(message)) return error;
  return new BlindsightError('STORE_UNAVAILABLE', `PostgreSQL does not answer: ${message}`, { cause: error });
}

/** Longer than any of our statements takes; a server that vanished silently must not block its caller forever. */
const QUERY_TIMEOUT_MS = 120_000;

/**
 * A process that stops in its transaction, or a machine that loses its power, keeps others from what that one has locked no longer than from what it had leased:
 * the server ends its connection. Who goes on later finds nothing of it done, as after any loss of the connection.
 */
const SILENT_MS = 10_000;
const SESSION = [
  `SET idle_in_transaction_session_timeout = ${SILENT_MS}`,
  `SET tcp_user_timeout = ${SILENT_MS}`,
  `SET tcp_keepalives_idle = ${SILENT_MS / 1000}`,
  'SET tcp_keepalives_interval = 2',
  'SET tcp_keepalives_count = 5',
].join('; ');

type Queryable = Pick<pg.ClientBase, 'query'>;

class PostgresQueries {
  readonly dialect = DIALECT;
  readonly #target: Queryable;

  constructor(target: Queryable) {
    this.#target = target;
  }

  async all<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    const { rows } = await this.#query(sql, values);
    return rows as Row[];
  }

  async run(sql: string, ...values: readonly Value[]): Promise<number> {
    const { rowCount } = await this.#query(sql, values);
    return rowCount ?? 0;
  }

  async #query(sql: string, values: readonly Value[]) {
    try {
      return await this.#target.query(numbered(sql), [...values]);
    } catch (error) {
      throw named(error);
    }
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
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw named(error);
    });
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
      throw named(error);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** The pool waits for it. Not in the parameters of the start, which proxies of connections refuse. */
async function onConnect(client: pg.ClientBase): Promise<void> {
  await client.query(SESSION);
}

/**
 * Opens a PostgreSQL database.
 *
 * @param url postgresql://… as pg understands it; it may hold a password and is never logged.
 * @throws BlindsightError STORE_ADDRESS, STORE_UNPROTECTED; STORE_UNAVAILABLE where the server does not answer, or does not prove who it is.
 */
export async function openPostgresql(url: string): Promise<Database> {
  checkPostgresqlAddress(url);
  const pool = new pg.Pool({
    connectionString: url,
    max: 4,
    connectionTimeoutMillis: 10_000,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    types,
    onConnect,
  });
  // A client that loses its server must not end the process, idle or in a transaction: the next query reports it.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  try {
    await pool.query('SELECT 1');
  } catch (cause) {
    await pool.end();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BlindsightError('STORE_UNAVAILABLE', `cannot open the PostgreSQL store: ${reason}`, { cause });
  }
  return new PostgresDatabase(pool);
}
