import { chmodSync } from 'node:fs';
import { backup, DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { BlindsightError } from '#protocol/errors.ts';
import type { Database, Dialect, Value } from './database.ts';

const DIALECT: Dialect = {
  kind: 'sqlite',
  integer: 'INTEGER',
  bytes: 'BLOB',
  now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
  serial: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  tableOptions: 'STRICT',
};

/** How long one process waits in total while another (daemon, command line) writes. */
const BUSY_TIMEOUT_MS = 10_000;
/** How long SQLite itself waits, blocking the thread; the rest of the wait lets the event loop run. */
const BLOCKING_MS = 20;
/**
 * Pages of the write-ahead log (16 MB) after which they are copied into the file. Envelopes come and go, so most pages are written again before that: the fewer
 * copies, each within somebody's commit, the less there is to write.
 */
const CHECKPOINT_PAGES = 4000;
const BUSY_ERROR = 5;
const FULL_ERROR = 13;
/** SQLITE_IOERR_SHMSIZE: no room for the index of the write-ahead log. */
const NO_SHM_ERROR = 4874;
/** Input/output, corrupt, not a database: primary codes, the low byte. */
const BROKEN_ERRORS = [10, 11, 26];
const READ_ONLY_ERROR = 8;

/** Statements on one connection, each prepared once. */
class SqliteConnection {
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  all<Row>(sql: string, values: readonly Value[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  run(sql: string, values: readonly Value[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  execute(sql: string): void {
    this.#connection.exec(sql);
  }

  /** Rolls back, unless SQLite already did, as on a full disk: failing here would hide the cause. */
  rollBack(): void {
    if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }
}

/** The view of a connection that is inside a transaction: it must not wait for the transaction to end. */
class SqliteTransaction implements Database {
  readonly dialect = DIALECT;
  readonly #connection: SqliteConnection;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  async all<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    return this.#connection.all<Row>(sql, values);
  }

  async run(sql: string, ...values: readonly Value[]): Promise<number> {
    return this.#connection.run(sql, values);
  }

  /** Already inside: `work` joins the transaction. */
  transaction<T>(work: (database: Database) => Promise<T>): Promise<T> {
    return work(this);
  }

  async close(): Promise<void> {}
}

function errorCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
}

const isBusy = (error: unknown): boolean => errorCode(error) === BUSY_ERROR;

/** Names failures that a person can fix. */
function named(error: unknown, file: string): unknown {
  const code = errorCode(error);
  if (code === FULL_ERROR || code === NO_SHM_ERROR) {
    const message = `the disk of the backend is full: ${file} cannot grow, so no answers are accepted; gateways keep theirs`;
    return new BlindsightError('DISK_FULL', message, { cause: error });
  }
  if ((code & 0xff) === READ_ONLY_ERROR) {
    const message = `the store ${file} is read-only, so no answers are accepted; gateways keep theirs`;
    return new BlindsightError('STORE_READ_ONLY', message, { cause: error });
  }
  if (!BROKEN_ERRORS.includes(code & 0xff)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new BlindsightError('STORE_UNAVAILABLE', `the store ${file} cannot be used: ${reason}`, {
    cause: error,
  });
}

const READS = /^\s*(SELECT\b|PRAGMA\b|WITH\b(?![\s\S]*\b(INSERT|UPDATE|DELETE)\b))/;

/** One connection writes, one transaction at a time; another reads what is committed, and never waits. */
class SqliteDatabase implements Database {
  readonly dialect = DIALECT;
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #file: string;
  /** Resolves when the last requested transaction has ended. */
  #tail: Promise<void> = Promise.resolve();

  constructor(writer: SqliteConnection, reader: SqliteConnection, file: string) {
    this.#writer = writer;
    this.#reader = reader;
    this.#file = file;
  }

  async all<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    if (!READS.test(sql)) {
      return this.transaction((inside) => inside.all<Row>(sql, ...values));
    }
    try {
      return this.#reader.all<Row>(sql, values);
    } catch (error) {
      throw named(error, this.#file);
    }
  }

  async run(sql: string, ...values: readonly Value[]): Promise<number> {
    return this.transaction((inside) => inside.run(sql, ...values));
  }

  async transaction<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const before = this.#tail;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tail = before.then(() => promise);
    await before;
    try {
      await this.#begin();
      try {
        const result = await work(new SqliteTransaction(this.#writer));
        this.#writer.execute('COMMIT');
        return result;
      } catch (error) {
        this.#writer.rollBack();
        throw error;
      }
    } catch (error) {
      throw named(error, this.#file);
    } finally {
      resolve();
    }
  }

  /** Takes the write lock; the holder may be another process, or another connection of this very thread. */
  async #begin(): Promise<void> {
    const deadline = performance.now() + BUSY_TIMEOUT_MS;
    for (;;) {
      try {
        this.#writer.execute('BEGIN IMMEDIATE');
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw error;
        await setTimeout(5 + Math.random() * 10);
      }
    }
  }

  async close(): Promise<void> {
    await this.#tail;
    this.#reader.close();
    this.#writer.close();
  }
}

/**
 * Opens or creates a SQLite file: write-ahead log, every commit synced to the disk (a receipt promises that), several
 * processes at once.
 *
 * @throws BlindsightError DISK_FULL, STORE_UNAVAILABLE naming the file.
 */
export function openSqlite(file: string): Database {
  try {
    const connect = () => {
      const connection = new DatabaseSync(file, { timeout: BLOCKING_MS, enableForeignKeyConstraints: true });
      connection.exec(
        `PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
      );
      return connection;
    };
    const writer = connect();
    chmodSync(file, 0o600);
    // Two processes may create the file at once: these statements need the blocking wait.
    writer.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    // A new file can give room back (release-space.ts). Said of another it writes, and so fails while somebody else does.
    const { page_count: pages } = writer.prepare('PRAGMA page_count').get() as { page_count: number };
    if (pages === 0) writer.exec('PRAGMA auto_vacuum = INCREMENTAL');
    writer.exec(`PRAGMA journal_mode = WAL; PRAGMA busy_timeout = ${BLOCKING_MS}`);
    return new SqliteDatabase(new SqliteConnection(writer), new SqliteConnection(connect()), file);
  } catch (cause) {
    const known = named(cause, file);
    if (known instanceof BlindsightError && known.code === 'DISK_FULL') throw known;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BlindsightError('STORE_UNAVAILABLE', `cannot open the store ${file}: ${reason}`, { cause });
  }
}

/**
 * Opens a SQLite file that nobody writes, read-only, without creating files beside it.
 *
 * @throws BlindsightError STORE_UNAVAILABLE naming the file.
 */
export function openSqliteReadOnly(file: string): Database {
  try {
    const connection = () => new SqliteConnection(new DatabaseSync(file, { readOnly: true }));
    return new SqliteDatabase(connection(), connection(), file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BlindsightError('STORE_UNAVAILABLE', `cannot open the store ${file}: ${reason}`, { cause });
  }
}

/** Pages of one step of a copy; between steps the rest of this process gets its turn. */
const COPY_PAGES = 2_000;

/**
 * Copies a SQLite file as of one moment, while others write it, through SQLite's own backup. The copy is one file (0600), synced.
 *
 * @param onProgress called with the share copied, 0 to 1
 */
export async function copySqlite(
  file: string,
  to: string,
  onProgress: (share: number) => void = () => {},
): Promise<void> {
  const source = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    // Held until the end: otherwise the copy would start over whenever another process changes the file.
    source.exec('BEGIN');
    source.prepare('SELECT COUNT(*) FROM sqlite_schema').get();
    await backup(source, to, {
      rate: COPY_PAGES,
      progress: ({ totalPages, remainingPages }) => onProgress(1 - remainingPages / Math.max(1, totalPages)),
    });
    source.exec('COMMIT');
  } finally {
    source.close();
  }
  chmodSync(to, 0o600);
  // Without a write-ahead log, so that the copy is a single complete file, readable where nothing may be written.
  const copy = new DatabaseSync(to);
  try {
    copy.exec('PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE');
  } finally {
    copy.close();
  }
}
