import { createHash } from 'node:crypto';
import pg from 'pg';
import { BlindsightError } from '#protocol/errors.ts';
import type { Database, Dialect, Value } from './database.ts';
import { checkPostgresqlAddress } from './postgresql-address.ts';
import { addressesOf, isReadOnly, PostgresServers } from './postgresql-servers.ts';

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

/** Classes of SQLSTATE: connection, operator intervention (shut down), system error; no connection left; a transaction that was silent, a statement that took, or waited, for too long; and Node's socket errors. */
const AWAY =
  /^(08|57P|58|53300|25P03|57014|55P03)|^(ECONN\w+|ENOENT|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
const AWAY_WORDS = /connection terminated|not queryable|timeout exceeded|Query read timeout/i;
const NO_SPACE = '53100';
/** A lock was waited for too long; by a change of a table, which waits for others in another way, too. */
const WAITED = /^(55P03|57014)$/;
const CHANGE = /^\s*(ALTER|DROP)\b/i;

/** Names failures that a person can fix. */
function named(error: unknown, sql = ''): unknown {
  if (!(error instanceof Error) || error instanceof BlindsightError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const { message } = error;
  if (code === NO_SPACE) {
    return new BlindsightError('DISK_FULL', `the disk of PostgreSQL is full: ${message}`, { cause: error });
  }
  if (WAITED.test(code) && CHANGE.test(sql)) {
    const text = `a transaction in PostgreSQL that began before, and goes on, keeps a table from being changed: ${message}`;
    return new BlindsightError('TABLE_IN_USE', text, { cause: error });
  }
  if (isReadOnly(error)) {
    const text = `PostgreSQL takes no writes, so no answers are accepted; gateways keep theirs: ${message}`;
    return new BlindsightError('STORE_READ_ONLY', text, { cause: error });
  }
  if (!AWAY.test(code) && !AWAY_WORDS.test(message)) return error;
  return new BlindsightError('STORE_UNAVAILABLE', `PostgreSQL does not answer: ${message}`, { cause: error });
}

/** Longer than any of our statements takes; a server that vanished silently must not block its caller forever. */
const QUERY_TIMEOUT_MS = 120_000;
/** Of a migration that reads all results once, and tells the server so (partitionedResults): its caller has nothing else to do. */
const MIGRATION_TIMEOUT_MS = 6 * 3_600_000;
const MIGRATION = /^\s*DO\b/;

/**
 * A process that stops in its transaction, or a machine that loses its power, keeps others from what that one has locked no longer than from what it had leased:
 * the server ends its connection. Who goes on later finds nothing of it done, as after any loss of the connection.
 */
const SILENT_MS = 10_000;
/**
 * Shorter than {@link QUERY_TIMEOUT_MS}: what we no longer wait for, the server would go on with, or wait for a lock and keep others waiting behind it, and each attempt would leave
 * one more of its sessions so.
 */
const SERVER_TIMEOUT_MS = 110_000;
const LOCK_TIMEOUT_MS = 100_000;
/** Of what waits for all who began before, in no transaction: whoever ends the process waits for it, and what it began is finished another time. */
const CONCURRENT_MS = 10_000;
const CONCURRENT = /^\s*ALTER\b.*\bCONCURRENTLY$/i;
const SESSION = [
  `SET statement_timeout = ${SERVER_TIMEOUT_MS}`,
  `SET lock_timeout = ${LOCK_TIMEOUT_MS}`,
  `SET idle_in_transaction_session_timeout = ${SILENT_MS}`,
  `SET tcp_user_timeout = ${SILENT_MS}`,
  `SET tcp_keepalives_idle = ${SILENT_MS / 1000}`,
  'SET tcp_keepalives_interval = 2',
  'SET tcp_keepalives_count = 5',
].join('; ');

/** Statements that each connection keeps prepared: planned once instead of each time. More than we have: lists of keys have a few lengths. */
const MOST_PREPARED = 1000;
/** What it gives out changes with the table: once another process has migrated that, PostgreSQL refuses it as it was prepared. */
const ALL_COLUMNS = /(SELECT|RETURNING)\s+(\w+\.)?\*/i;
/** About one day's tables, or what is done to tables: run a few times, and each day others. */
const ONCE = /^\s*(CREATE|ALTER|DROP)\b|results_(d\d|before)/i;

/** Our statements in PostgreSQL's form, and the name under which each is prepared. */
class Statements {
  readonly #known = new Map<string, { readonly name?: string; readonly text: string }>();

  of(sql: string): { readonly name?: string; readonly text: string } {
    const known = this.#known.get(sql);
    if (known !== undefined) return known;
    const text = numbered(sql);
    if (this.#known.size >= MOST_PREPARED || ALL_COLUMNS.test(sql) || ONCE.test(sql)) return { text };
    // By its text, so that it is the same to all processes that share a connection.
    const name = createHash('sha256').update(text).digest('base64url').slice(0, 32);
    const statement = { name, text };
    this.#known.set(sql, statement);
    return statement;
  }
}

type Queryable = { query(statement: pg.QueryConfig): Promise<pg.QueryResult> };

class PostgresQueries {
  readonly dialect = DIALECT;
  readonly #target: Queryable;
  protected readonly statements: Statements;

  constructor(target: Queryable, statements: Statements) {
    this.#target = target;
    this.statements = statements;
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
      return await this.#target.query({
        ...this.statements.of(sql),
        values: [...values],
        ...(MIGRATION.test(sql) && { query_timeout: MIGRATION_TIMEOUT_MS }),
      });
    } catch (error) {
      throw named(error, sql);
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

/** One statement on a connection of its own: one at which it failed is not used again, as pg's pool does it. */
class Connections {
  readonly #servers: PostgresServers;

  constructor(servers: PostgresServers) {
    this.#servers = servers;
  }

  async query(statement: pg.QueryConfig): Promise<pg.QueryResult> {
    const client = await this.#servers.connect();
    try {
      const isConcurrent = CONCURRENT.test(statement.text);
      if (isConcurrent) await client.query(`SET lock_timeout = ${CONCURRENT_MS}`);
      const result = await client.query(statement);
      client.release(isConcurrent);
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }
}

class PostgresDatabase extends PostgresQueries implements Database {
  readonly #servers: PostgresServers;

  constructor(servers: PostgresServers) {
    super(new Connections(servers), new Statements());
    this.#servers = servers;
  }

  async transaction<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const client = await this.#servers.connect().catch((error: unknown) => {
      throw named(error);
    });
    try {
      await client.query('BEGIN');
      const result = await work(new PostgresTransaction(client, this.statements));
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      // A client whose ROLLBACK fails is broken: it must not go back to the pool.
      const broken = await client.query('ROLLBACK').then(
        () => false,
        () => true,
      );
      // Nor one whose server writes no more: another one may have taken over.
      client.release(broken || isReadOnly(error) || isReadOnly((error as Error | null)?.cause));
      throw named(error);
    }
  }

  async close(): Promise<void> {
    await this.#servers.end();
  }
}

/**
 * Opens a PostgreSQL database.
 *
 * @param url postgresql://… as pg understands it, or with several servers as libpq does (see {@link addressesOf}); it may hold a password and is never logged.
 * @throws BlindsightError STORE_ADDRESS, STORE_UNPROTECTED; STORE_UNAVAILABLE where the server does not answer, or does not prove who it is; STORE_READ_ONLY where of several none writes.
 */
export async function openPostgresql(url: string): Promise<Database> {
  const addresses = addressesOf(url);
  for (const address of addresses) checkPostgresqlAddress(address);
  const servers = new PostgresServers(addresses, {
    max: 4,
    connectionTimeoutMillis: 10_000,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    types,
    // The pool waits for it. Not in the parameters of the start, which proxies of connections refuse.
    onConnect: async (client) => {
      await client.query(SESSION);
    },
  });
  const database = new PostgresDatabase(servers);
  try {
    await database.all('SELECT 1');
  } catch (cause) {
    await servers.end();
    if (cause instanceof BlindsightError && cause.code === 'STORE_READ_ONLY') throw cause;
    const { cause: first = cause } = cause as Error;
    const reason = first instanceof Error ? first.message : String(first);
    throw new BlindsightError('STORE_UNAVAILABLE', `cannot open the PostgreSQL store: ${reason}`, { cause });
  }
  return database;
}
