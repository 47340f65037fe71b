import { hash } from 'node:crypto';
import { encodeCanonical } from '#protocol/cbor.ts';
import type { Role } from '#protocol/roles.ts';
import type { Database } from './database.ts';

/** By which door somebody came. */
export type Door = 'page' | 'api' | 'cli';

/** What is written down; texts are cut where they are too long. */
export type NewEntry = {
  readonly timeMs: number;
  /** A person, `token:NAME`, the user of a command line, `local`, or `nobody`. */
  readonly actor: string;
  readonly role: Role | 'none';
  readonly door: Door;
  /** The words of a command, or method and path. */
  readonly act: string;
  /** What it concerns: names of a gateway, camera, network, person. */
  readonly subject: string;
  /** `begun`, `ok`, or the code of an error. */
  readonly outcome: string;
  /** JSON, without secrets. */
  readonly details: string;
  /** The entry with which this act began; null in entries that begin one or stand alone. */
  readonly began: number | null;
};

export type AuditEntry = NewEntry & {
  /** From 1, without gaps. */
  readonly seq: number;
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
};

/** Where the log ends. */
export type AuditHead = { readonly seq: number; readonly hash: Uint8Array };

/** An act with how it ended. */
export type AuditAct = Omit<NewEntry, 'began'> & {
  readonly seq: number;
  /** Null where it did not end, or ended where it began. */
  readonly endMs: number | null;
};

type Row = Omit<AuditEntry, 'timeMs'> & { time_ms: number };
type ActRow = Omit<Row, 'previous' | 'hash'> & { end_outcome: string | null; end_ms: number | null };

/** Before the first entry. */
export const NO_HEAD: AuditHead = { seq: 0, hash: new Uint8Array(32) };

const LIMITS = { actor: 80, act: 160, subject: 240, outcome: 60, details: 4000 } as const;
/** Distinguishes these hashes from others, and this form of entries from later ones. */
const DOMAIN = 'blindsight-audit-1';
const LOCK = 2_021_161_081;

/** SHA-256 of the canonical CBOR of everything in an entry, and with it of all before. */
export function hashEntry(entry: Omit<AuditEntry, 'hash'>): Uint8Array {
  const { seq, timeMs, actor, role, door, act, subject, outcome, details, began, previous } = entry;
  const bytes = encodeCanonical([
    ...[DOMAIN, seq, timeMs, actor, role, door, act, subject, outcome, details, began],
    Uint8Array.from(previous),
  ]);
  // At one go: a log has a million entries, and all are read to verify it.
  return hash('sha256', bytes, 'buffer');
}

/** Who did what: entries are added at the end, each with a hash over itself and the one before, and never changed. */
export class AuditStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds an entry at the end, whoever else adds one now. */
  async append(entry: NewEntry): Promise<AuditEntry> {
    return this.#database.transaction(async (inside) => {
      await lock(inside);
      const head = await new AuditStore(inside).head();
      const next = { ...bounded(entry), seq: head.seq + 1, previous: head.hash };
      const added = { ...next, hash: hashEntry(next) };
      await inside.run(
        `INSERT INTO audit (seq, time_ms, actor, role, door, act, subject, outcome, details, began, previous, hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[added.seq, added.timeMs, added.actor, added.role, added.door, added.act, added.subject],
        ...[added.outcome, added.details, added.began, added.previous, added.hash],
      );
      return added;
    });
  }

  /** Runs `work` while nobody adds an entry, in this process or another. */
  async locked<T>(work: (audit: AuditStore) => Promise<T>): Promise<T> {
    return this.#database.transaction(async (inside) => {
      await lock(inside);
      return work(new AuditStore(inside));
    });
  }

  async head(): Promise<AuditHead> {
    const [row] = await this.#database.all<{ seq: number; hash: Uint8Array }>(
      'SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1',
    );
    return row ?? NO_HEAD;
  }

  async hashOf(seq: number): Promise<Uint8Array | null> {
    const [row] = await this.#database.all<{ hash: Uint8Array }>('SELECT hash FROM audit WHERE seq = ?', seq);
    return row?.hash ?? null;
  }

  /** Entries after `seq`, in order. */
  async after(seq: number, limit: number): Promise<AuditEntry[]> {
    const rows = await this.#database.all<Row>(
      'SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?',
      seq,
      limit,
    );
    return rows.map(({ time_ms, ...row }) => ({ ...row, timeMs: time_ms }));
  }

  /** Acts, newest first. @param options.before only what began before this entry */
  async acts(options: {
    readonly limit: number;
    readonly before?: number;
    readonly sinceMs?: number;
    readonly actor?: string;
  }): Promise<AuditAct[]> {
    const { limit, before = Number.MAX_SAFE_INTEGER, sinceMs = 0, actor = null } = options;
    const rows = await this.#database.all<ActRow>(
      `SELECT a.seq, a.time_ms, a.actor, a.role, a.door, a.act, a.subject, a.outcome, a.details,
         e.outcome AS end_outcome, e.time_ms AS end_ms
       FROM audit AS a LEFT JOIN audit AS e ON e.began = a.seq
       WHERE a.began IS NULL AND a.seq < ? AND a.time_ms >= ? AND a.actor = COALESCE(?, a.actor)
       ORDER BY a.seq DESC LIMIT ?`,
      ...[before, sinceMs, actor, limit],
    );
    return rows.map(({ time_ms, end_outcome, end_ms, ...row }) => ({
      ...row,
      timeMs: time_ms,
      outcome: end_outcome ?? row.outcome,
      endMs: end_ms,
    }));
  }
}

async function lock(database: Database): Promise<void> {
  // SQLite has one writer anyway.
  if (database.dialect.kind === 'postgresql') await database.run(`SELECT pg_advisory_xact_lock(${LOCK})`);
}

function bounded(entry: NewEntry): NewEntry {
  const cut = (field: keyof typeof LIMITS) => {
    // What PostgreSQL cannot store, and half characters at the cut.
    const text = entry[field].slice(0, LIMITS[field]).replaceAll('\0', ' ');
    return text.toWellFormed();
  };
  return {
    ...entry,
    ...{ actor: cut('actor'), act: cut('act'), subject: cut('subject'), outcome: cut('outcome') },
    details: entry.details.length > LIMITS.details ? '{"cut":true}' : cut('details'),
  };
}
