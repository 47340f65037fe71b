import {
  type AlertSubject,
  type AlertView,
  MAX_SHOWN_ALERTS,
  type OpenAlerts,
  type Severity,
} from '#protocol/alert.ts';
import type { Database } from './database.ts';
import { DeliveryStore } from './deliveries.ts';

/** What a rule has to say. */
export type RaisedAlert = {
  readonly rule: string;
  readonly severity: Severity;
  readonly subject: AlertSubject;
  readonly title: string;
  readonly message: string;
  readonly atMs: number;
  /** Names of the channels that are told. */
  readonly notify: readonly string[];
};

type Row = {
  id: number;
  rule: string;
  severity: Severity;
  subject_key: string;
  title: string;
  message: string;
  raised_ms: number;
  ended_ms: number | null;
  acknowledged_ms: number | null;
  acknowledged_by: string | null;
  times: number;
};

const WORST_FIRST =
  "CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, raised_ms DESC, id DESC";

/** Closed ones that are kept. */
const KEPT = 10_000;

/** Alerts, open and closed. What is to be told to channels and to the broker is written along with them. */
export class AlertStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Opens an alert, or begins the open one about the same subject again after it had ended, and queues a delivery for each channel. One that still lasts is left as it is,
   * and nobody is told again.
   *
   * @returns the alert, and whether it began by this.
   */
  async raise(raised: RaisedAlert): Promise<{ readonly alert: AlertView; readonly began: boolean }> {
    return this.#database.transaction(async (inside) => {
      const open = await openRow(inside, raised.rule, raised.subject);
      if (open !== null && open.ended_ms === null) return { alert: toView(open), began: false };
      const row = open === null ? await insert(inside, raised) : await beginAgain(inside, open.id, raised);
      const alert = toView(row);
      const deliveries = new DeliveryStore(inside);
      for (const channel of new Set(raised.notify)) await deliveries.add(channel, alert, raised.atMs);
      return { alert, began: true };
    });
  }

  /**
   * What the alert was about is over. It stays open until it is acknowledged.
   *
   * @returns the alert; null where none of that rule and subject lasts.
   */
  async end(rule: string, subject: AlertSubject, atMs: number): Promise<AlertView | null> {
    const [row] = await this.#database.all<Row>(
      `UPDATE alerts SET ended_ms = ?, is_open = CASE WHEN acknowledged_ms IS NULL THEN 1 ELSE 0 END, revision = revision + 1
       WHERE rule = ? AND subject_key = ? AND is_open = 1 AND ended_ms IS NULL RETURNING *`,
      ...[atMs, rule, keyOf(subject)],
    );
    return row === undefined ? null : toView(row);
  }

  /** Ends what lasts of a rule that is gone or does not apply any more. @returns how many. */
  async endAllOf(rule: string, atMs: number): Promise<number> {
    return this.#database.run(
      `UPDATE alerts SET ended_ms = ?, is_open = CASE WHEN acknowledged_ms IS NULL THEN 1 ELSE 0 END, revision = revision + 1
       WHERE rule = ? AND is_open = 1 AND ended_ms IS NULL`,
      ...[atMs, rule],
    );
  }

  /**
   * Somebody takes notice: the first one, and nobody else.
   *
   * @returns the alert, and whether it was by this call; null where there is none of that number.
   */
  async acknowledge(
    id: number,
    by: string,
    atMs: number,
  ): Promise<{ readonly alert: AlertView; readonly first: boolean } | null> {
    const [row] = await this.#database.all<Row>(
      `UPDATE alerts SET acknowledged_ms = ?, acknowledged_by = ?, is_open = CASE WHEN ended_ms IS NULL THEN 1 ELSE 0 END,
       revision = revision + 1 WHERE id = ? AND acknowledged_ms IS NULL RETURNING *`,
      ...[atMs, by, id],
    );
    if (row !== undefined) return { alert: toView(row), first: true };
    const alert = await this.get(id);
    return alert === null ? null : { alert, first: false };
  }

  async get(id: number): Promise<AlertView | null> {
    const [row] = await this.#database.all<Row>('SELECT * FROM alerts WHERE id = ?', id);
    return row === undefined ? null : toView(row);
  }

  /** The open ones, the worst first. */
  async open(limit = MAX_SHOWN_ALERTS): Promise<OpenAlerts> {
    const rows = await this.#database.all<Row>(
      `SELECT * FROM alerts WHERE is_open = 1 ORDER BY ${WORST_FIRST} LIMIT ?`,
      limit,
    );
    if (rows.length < limit) return { open: rows.map(toView), count: rows.length };
    const [all] = await this.#database.all<{ count: number }>(
      'SELECT COUNT(*) AS count FROM alerts WHERE is_open = 1',
    );
    return { open: rows.map(toView), count: all?.count ?? 0 };
  }

  /** How many are open; of a severity that is left out there are none. */
  async openBySeverity(): Promise<Partial<Record<Severity, number>>> {
    const rows = await this.#database.all<{ severity: Severity; count: number }>(
      'SELECT severity, COUNT(*) AS count FROM alerts WHERE is_open = 1 GROUP BY severity',
    );
    return Object.fromEntries(rows.map(({ severity, count }) => [severity, Number(count)]));
  }

  /** Those that still last, of one rule: what its evaluation goes on from after a restart. */
  async lasting(rule: string): Promise<AlertView[]> {
    const rows = await this.#database.all<Row>(
      'SELECT * FROM alerts WHERE rule = ? AND is_open = 1 AND ended_ms IS NULL ORDER BY id',
      rule,
    );
    return rows.map(toView);
  }

  /** Open and closed ones, those that began last first. */
  async latest(limit: number): Promise<AlertView[]> {
    const rows = await this.#database.all<Row>(
      'SELECT * FROM alerts ORDER BY raised_ms DESC, id DESC LIMIT ?',
      limit,
    );
    return rows.map(toView);
  }

  /** Changes with whatever changes about open alerts: a new one has a greater number than all before, and each change makes a greater revision. */
  async mark(): Promise<string> {
    const [row] = await this.#database.all<{ count: number; ids: number; revisions: number }>(
      `SELECT COUNT(*) AS count, COALESCE(SUM(id), 0) AS ids, COALESCE(SUM(revision), 0) AS revisions
       FROM alerts WHERE is_open = 1`,
    );
    return [row?.count, row?.ids, row?.revisions].map(Number).join('/');
  }

  /** All open ones, with a number that grows when anything about the alert changes. */
  async revisions(): Promise<{ readonly alert: AlertView; readonly revision: number }[]> {
    const rows = await this.#database.all<Row & { revision: number }>(
      'SELECT * FROM alerts WHERE is_open = 1 ORDER BY id',
    );
    return rows.map((row) => ({ alert: toView(row), revision: row.revision }));
  }

  /** Removes the oldest closed ones where there are too many. */
  async removeOld(kept = KEPT): Promise<void> {
    await this.#database.run(
      `DELETE FROM alerts WHERE is_open = 0 AND id <= (SELECT id FROM alerts WHERE is_open = 0 ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      kept,
    );
  }
}

/** No two subjects share one: names have no slashes. */
function keyOf({ kind, name, region = '', zone = '' }: AlertSubject): string {
  return [kind, name, region, zone].join('/');
}

function subjectOf(key: string): AlertSubject {
  const [kind, name = '', region = '', zone = ''] = key.split('/');
  return {
    ...{ kind: kind as AlertSubject['kind'], name },
    ...(region !== '' && { region }),
    ...(zone !== '' && { zone }),
  };
}

async function openRow(inside: Database, rule: string, subject: AlertSubject): Promise<Row | null> {
  const [row] = await inside.all<Row>(
    'SELECT * FROM alerts WHERE rule = ? AND subject_key = ? AND is_open = 1',
    ...[rule, keyOf(subject)],
  );
  return row ?? null;
}

async function insert(
  inside: Database,
  { rule, severity, subject, title, message, atMs }: RaisedAlert,
): Promise<Row> {
  const [row] = await inside.all<Row>(
    `INSERT INTO alerts (rule, subject_key, severity, title, message, raised_ms, times, is_open, revision)
     VALUES (?, ?, ?, ?, ?, ?, 1, 1, 1) RETURNING *`,
    ...[rule, keyOf(subject), severity, title, message, atMs],
  );
  return row!;
}

async function beginAgain(
  inside: Database,
  id: number,
  { severity, title, message, atMs }: RaisedAlert,
): Promise<Row> {
  const [row] = await inside.all<Row>(
    `UPDATE alerts SET severity = ?, title = ?, message = ?, raised_ms = ?, ended_ms = NULL, times = times + 1, revision = revision + 1
     WHERE id = ? RETURNING *`,
    ...[severity, title, message, atMs, id],
  );
  return row!;
}

const isoTime = (ms: number): string => new Date(ms).toISOString();

function toView(row: Row): AlertView {
  return {
    id: row.id,
    rule: row.rule,
    severity: row.severity,
    subject: subjectOf(row.subject_key),
    title: row.title,
    message: row.message,
    raised: isoTime(row.raised_ms),
    ended: row.ended_ms === null ? null : isoTime(row.ended_ms),
    acknowledged:
      row.acknowledged_ms === null
        ? null
        : { by: row.acknowledged_by ?? '', at: isoTime(row.acknowledged_ms) },
    times: row.times,
  };
}
