import type { BackendConfig } from '#config/schema.ts';
import type { Database } from './database.ts';
import { type InboxItem, InboxStore } from './inbox.ts';
import { shardOf } from './shard-of.ts';

/** Of which something is brought back at a time. */
const MOST_GATEWAYS = 64;

/** How much is kept while gateways are in quarantine. Beyond that the oldest is dropped. */
export type HeldBound = {
  /** Of one gateway. */
  readonly items: number;
  /** Of one gateway. */
  readonly bytes: number;
  /** Of all gateways together; the one with the most loses its oldest. */
  readonly siteBytes: number;
};

/** The configured limit. */
export function heldBound({ quarantine }: Pick<BackendConfig, 'quarantine'>): HeldBound {
  const { keptAnswers, keptMegabytes, keptSiteMegabytes } = quarantine;
  return { items: keptAnswers, bytes: keptMegabytes * 2 ** 20, siteBytes: keptSiteMegabytes * 2 ** 20 };
}

/** What is kept of one gateway. */
export type HeldUsage = {
  readonly gateway: string;
  readonly items: number;
  readonly bytes: number;
  /** Dropped since the quarantine began, because more came than is kept. */
  readonly dropped: number;
};

/**
 * Envelopes of gateways in quarantine, or whose audit waits: their receipts were sent, so they are neither decrypted nor lost before it is decided. They
 * are kept apart from the inbox and its limits, so that they block nobody.
 */
export class HeldStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Keeps an envelope. Call it in a transaction, together with its removal from the inbox.
   *
   * @returns whether it is new, and how many older ones were dropped for it.
   */
  async add(
    item: InboxItem,
    bound: HeldBound,
  ): Promise<{ readonly added: boolean; readonly dropped: number }> {
    const { gateway, envelope } = item;
    const inserted = await this.#database.run(
      `INSERT INTO held (gateway, digest, camera, received_ms, attempts, envelope)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (gateway, digest) DO NOTHING`,
      gateway,
      item.digest,
      item.camera,
      item.receivedMs,
      item.attempts,
      envelope,
    );
    if (inserted === 0) return { added: false, dropped: 0 };
    await this.#database.run(
      `INSERT INTO held_usage (gateway, items, bytes, dropped) VALUES (?, 1, ?, 0)
       ON CONFLICT (gateway) DO UPDATE SET items = held_usage.items + 1, bytes = held_usage.bytes + excluded.bytes`,
      gateway,
      envelope.length,
    );
    let dropped = 0;
    for (;;) {
      const loser = await this.#beyond(gateway, bound);
      if (loser === null) return { added: true, dropped };
      // Another process may have dropped it, or brought it back, at this moment.
      if (!(await this.#dropOldest(loser))) return { added: true, dropped };
      dropped += 1;
    }
  }

  /** The gateway whose oldest has to go; null while everything is within its limit. */
  async #beyond(gateway: string, bound: HeldBound): Promise<string | null> {
    const usage = await this.usage();
    const own = usage.find((one) => one.gateway === gateway);
    if (own !== undefined && (own.items > bound.items || own.bytes > bound.bytes)) return gateway;
    const most = usage.reduce((top, one) => (one.bytes > top.bytes ? one : top), usage[0]!);
    return usage.reduce((sum, { bytes }) => sum + bytes, 0) > bound.siteBytes ? most.gateway : null;
  }

  async #dropOldest(gateway: string): Promise<boolean> {
    const [gone] = await this.#database.all<{ bytes: number }>(
      `DELETE FROM held WHERE id = (SELECT id FROM held WHERE gateway = ? ORDER BY id LIMIT 1)
       RETURNING LENGTH(envelope) AS bytes`,
      gateway,
    );
    if (gone === undefined) return false;
    await this.#database.run(
      'UPDATE held_usage SET items = items - 1, bytes = bytes - ?, dropped = dropped + 1 WHERE gateway = ?',
      gone.bytes,
      gateway,
    );
    return true;
  }

  /** What is kept, for each gateway that has or had anything here. */
  usage(): Promise<HeldUsage[]> {
    return this.#database.all<HeldUsage>(
      'SELECT gateway, items, bytes, dropped FROM held_usage ORDER BY gateway',
    );
  }

  /** How many are kept for a gateway. */
  async count(gateway: string): Promise<number> {
    return (await this.usage()).find((one) => one.gateway === gateway)?.items ?? 0;
  }

  /**
   * Moves envelopes of gateways that are neither in quarantine nor wait for an audit back into the inbox, oldest first.
   *
   * @param limit at most so many
   * @param aheadAnswers of a gateway that were decrypted since the oldest answer that still waits for its audit was chosen: from so many on it waits
   * @param shards parts of the gateways of which it is done: of others it is in hand elsewhere, where the same may just be kept again
   * @returns how many; 0 where there are none.
   */
  async takeBack(
    limit: number,
    aheadAnswers: number,
    shards: readonly number[] | null = null,
  ): Promise<number> {
    const isFree = (gateway: string) => `quarantined_ms IS NULL AND removed_ms IS NULL AND COALESCE(
      (SELECT decrypted FROM audited_gateways WHERE gateway = ${gateway})
        - (SELECT MIN(decrypted) FROM challenges WHERE gateway = ${gateway} AND verdict IS NULL), -1) < ?`;
    const free = await this.#database.all<{ gateway: string }>(
      `SELECT held_usage.gateway AS gateway FROM held_usage JOIN gateways ON name = held_usage.gateway
       WHERE items > 0 AND ${isFree('held_usage.gateway')} ORDER BY held_usage.gateway`,
      aheadAnswers,
    );
    const own = free
      .map(({ gateway }) => gateway)
      .filter((gateway) => shards === null || shards.includes(shardOf(gateway)))
      .slice(0, MOST_GATEWAYS);
    if (own.length === 0) return 0;
    return this.#database.transaction(async (inside) => {
      const rows = await inside.all<InboxItem>(
        `SELECT id, held.gateway, digest, camera, received_ms AS "receivedMs", attempts, envelope
         FROM held JOIN gateways ON name = held.gateway
         WHERE held.gateway IN (${own.map(() => '?').join(', ')}) AND ${isFree('held.gateway')} ORDER BY id LIMIT ?`,
        ...own,
        aheadAnswers,
        limit,
      );
      const gone: InboxItem[] = [];
      for (const row of rows) {
        // Several processes may bring it back at the same moment.
        if ((await inside.run('DELETE FROM held WHERE id = ?', row.id)) === 0) continue;
        gone.push(row);
        await inside.run(
          'UPDATE held_usage SET items = items - 1, bytes = bytes - ? WHERE gateway = ?',
          row.envelope.length,
          row.gateway,
        );
      }
      await new InboxStore(inside).takeBack(gone);
      return rows.length;
    });
  }

  /** Resets the count of what was dropped. */
  async forgetDropped(gateway: string): Promise<void> {
    await this.#database.run('UPDATE held_usage SET dropped = 0 WHERE gateway = ?', gateway);
  }

  /** Deletes what is kept for a gateway. @returns how many. */
  async discard(gateway: string): Promise<number> {
    return this.#database.transaction(async (inside) => {
      await inside.run('DELETE FROM held_usage WHERE gateway = ?', gateway);
      return inside.run('DELETE FROM held WHERE gateway = ?', gateway);
    });
  }
}
