import { randomUUID } from 'node:crypto';
import type { AlertView } from '#protocol/alert.ts';
import type { Database } from './database.ts';

/** An alert on its way to a channel. */
export type Delivery = {
  readonly id: number;
  /** Tells a repetition from another delivery; the same at each attempt. */
  readonly key: string;
  readonly channel: string;
  /** As it was when it began. */
  readonly alert: AlertView;
  readonly createdMs: number;
  /** Attempts that have failed. */
  readonly attempts: number;
};

/** How long an alert is sent again. */
export const TRIED_MS = 3 * 24 * 3_600_000;

/** What came of the deliveries to a channel. */
export type DeliveryCounts = {
  readonly channel: string;
  readonly waiting: number;
  readonly deliveredMs: number | null;
  /** Why the last attempt of one that waits failed. */
  readonly trouble: string | null;
};

type Row = {
  id: number;
  delivery_key: string;
  channel: string;
  alert: string;
  created_ms: number;
  attempts: number;
};

/** The queue of alerts to channels. One is written along with its alert, and settled after the other side has taken it: each is delivered at least once. */
export class DeliveryStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Call it in the transaction that raises the alert. */
  async add(channel: string, alert: AlertView, nowMs: number): Promise<void> {
    await this.#database.run(
      'INSERT INTO deliveries (delivery_key, channel, alert, created_ms, due_ms, attempts) VALUES (?, ?, ?, ?, ?, 0)',
      ...[randomUUID(), channel, JSON.stringify(alert), nowMs, nowMs],
    );
  }

  /** Channels for which something waits, by name. */
  async channels(): Promise<string[]> {
    const rows = await this.#database.all<{ channel: string }>(
      'SELECT DISTINCT channel FROM deliveries WHERE settled_ms IS NULL ORDER BY channel',
    );
    return rows.map(({ channel }) => channel);
  }

  /**
   * Of those that wait for a channel, the ones whose time has come: first what has failed the least, then the oldest, so that one that never succeeds holds up no other.
   *
   * @param longestWaitMs a time further off than this was set by a clock that has been put back: it has come, too
   */
  async due(channel: string, nowMs: number, longestWaitMs: number, limit: number): Promise<Delivery[]> {
    const rows = await this.#database.all<Row>(
      `SELECT * FROM deliveries WHERE channel = ? AND settled_ms IS NULL AND (due_ms <= ? OR due_ms > ?)
       ORDER BY attempts, id LIMIT ?`,
      ...[channel, nowMs, nowMs + longestWaitMs, limit],
    );
    return rows.map((row) => ({
      id: row.id,
      key: row.delivery_key,
      channel: row.channel,
      alert: JSON.parse(row.alert) as AlertView,
      createdMs: row.created_ms,
      attempts: row.attempts,
    }));
  }

  /** The other side has it. @param isBack something may have failed before: what else waits for that channel is due at once, which looks at all of it */
  async delivered({ id, channel }: Delivery, nowMs: number, isBack: boolean): Promise<void> {
    await this.#database.transaction(async (inside) => {
      await inside.run(
        "UPDATE deliveries SET settled_ms = ?, outcome = 'delivered', error = NULL WHERE id = ?",
        ...[nowMs, id],
      );
      if (!isBack) return;
      await inside.run(
        'UPDATE deliveries SET due_ms = ? WHERE channel = ? AND settled_ms IS NULL AND due_ms > ?',
        ...[nowMs, channel, nowMs],
      );
    });
  }

  /** The other side did not take it. Until `dueMs` nothing that waits now goes through that channel. */
  async failed({ id, channel }: Delivery, error: string, dueMs: number): Promise<void> {
    await this.#database.transaction(async (inside) => {
      await inside.run('UPDATE deliveries SET attempts = attempts + 1, error = ? WHERE id = ?', error, id);
      await inside.run(
        'UPDATE deliveries SET due_ms = ? WHERE channel = ? AND settled_ms IS NULL AND due_ms < ?',
        ...[dueMs, channel, dueMs],
      );
    });
  }

  async giveUp({ id }: Delivery, error: string, nowMs: number): Promise<void> {
    await this.#database.run(
      "UPDATE deliveries SET settled_ms = ?, outcome = 'given-up', attempts = attempts + 1, error = ? WHERE id = ?",
      ...[nowMs, error, id],
    );
  }

  /** Gives up the oldest ones of a channel beyond `kept`. @returns how many. */
  async giveUpBeyond(channel: string, kept: number, error: string, nowMs: number): Promise<number> {
    return this.#database.run(
      `UPDATE deliveries SET settled_ms = ?, outcome = 'given-up', error = ? WHERE channel = ? AND settled_ms IS NULL AND id <=
       (SELECT id FROM deliveries WHERE channel = ? AND settled_ms IS NULL ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      ...[nowMs, error, channel, channel, kept],
    );
  }

  /** Gives up those that were queued before a time, of all channels. @returns how many. */
  async giveUpBefore(createdMs: number, error: string, nowMs: number): Promise<number> {
    return this.#database.run(
      "UPDATE deliveries SET settled_ms = ?, outcome = 'given-up', error = ? WHERE settled_ms IS NULL AND created_ms < ?",
      ...[nowMs, error, createdMs],
    );
  }

  /** Of each channel for which there are any. */
  async counts(): Promise<DeliveryCounts[]> {
    const rows = await this.#database.all<{
      channel: string;
      waiting: number;
      delivered_ms: number | null;
      trouble: string | null;
    }>(
      `SELECT channel, SUM(CASE WHEN settled_ms IS NULL THEN 1 ELSE 0 END) AS waiting,
         MAX(CASE WHEN outcome = 'delivered' THEN settled_ms END) AS delivered_ms,
         MAX(CASE WHEN settled_ms IS NULL THEN error END) AS trouble
       FROM deliveries GROUP BY channel ORDER BY channel`,
    );
    return rows.map(({ channel, waiting, delivered_ms, trouble }) => ({
      ...{ channel, trouble },
      waiting: Number(waiting),
      deliveredMs: delivered_ms,
    }));
  }

  async removeSettledBefore(ms: number): Promise<number> {
    return this.#database.run('DELETE FROM deliveries WHERE settled_ms IS NOT NULL AND settled_ms < ?', ms);
  }
}
