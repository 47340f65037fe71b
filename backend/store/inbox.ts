import type { Database } from './database.ts';

export type InboxItem = {
  readonly id: number;
  /** SHA-256 of the envelope as received, hex. */
  readonly digest: string;
  /** From the topic, where the broker has checked it against the certificate. */
  readonly gateway: string;
  readonly camera: string;
  readonly receivedMs: number;
  /** How often a decryption was begun. */
  readonly attempts: number;
  readonly envelope: Uint8Array;
};

/** An envelope as it comes in. */
export type Arrival = Omit<InboxItem, 'id' | 'attempts'>;

/** How much may wait; more is not taken, and stays in the gateways' outboxes. */
export type InboxBound = {
  /** Of one gateway. */
  readonly items: number;
  /** Of one gateway. */
  readonly bytes: number;
  /** Of all gateways together. */
  readonly siteBytes: number;
};

/** What waits, of one gateway and of all. */
type Usage = { readonly items: number; readonly bytes: number; readonly site_bytes: number };

/**
 * Envelopes that were received and not settled yet. Keyed by the digest of the bytes and not by what the bytes say:
 * nothing is verified yet, so a forged envelope must not be able to take the place of a true one.
 */
export class InboxStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Keeps an envelope, durably, in a time that does not depend on how many wait.
   *
   * @returns `stored`; `present` where the same bytes of this gateway wait already; `full` where too much of this gateway waits, or
   *   `site-full` where too much of all does.
   */
  async add(item: Arrival, bound: InboxBound): Promise<'stored' | 'present' | 'full' | 'site-full'> {
    return this.#database.transaction(async (inside) => {
      const [present] = await inside.all<{ id: number }>(
        'SELECT id FROM inbox WHERE gateway = ? AND digest = ?',
        item.gateway,
        item.digest,
      );
      if (present !== undefined) return 'present';
      const added = item.envelope.length;
      const { items, bytes, site_bytes: siteBytes } = await this.#usage(inside, item.gateway);
      if (items + 1 > bound.items || bytes + added > bound.bytes) return 'full';
      if (siteBytes + added > bound.siteBytes) return 'site-full';
      await this.#insert(inside, { ...item, attempts: 0 });
      return 'stored';
    });
  }

  /** Takes back what was kept while its gateway was in quarantine, whatever waits; call it in a transaction. */
  takeBack(item: Arrival & { readonly attempts: number }): Promise<void> {
    return this.#insert(this.#database, item);
  }

  async #insert(inside: Database, item: Arrival & { readonly attempts: number }): Promise<void> {
    const inserted = await inside.run(
      `INSERT INTO inbox (gateway, digest, camera, received_ms, attempts, envelope)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (gateway, digest) DO NOTHING`,
      item.gateway,
      item.digest,
      item.camera,
      item.receivedMs,
      item.attempts,
      item.envelope,
    );
    if (inserted === 0) return;
    await inside.run(
      `INSERT INTO inbox_usage (gateway, items, bytes) VALUES (?, 1, ?)
       ON CONFLICT (gateway) DO UPDATE SET items = inbox_usage.items + 1, bytes = inbox_usage.bytes + excluded.bytes`,
      item.gateway,
      item.envelope.length,
    );
  }

  /** One row for each gateway is read, however much waits. */
  async #usage(inside: Database, gateway: string): Promise<Usage> {
    const { integer } = this.#database.dialect;
    const sum = (value: string) => `CAST(COALESCE(SUM(${value}), 0) AS ${integer})`;
    const [usage] = await inside.all<Usage>(
      `SELECT ${sum('CASE WHEN gateway = ? THEN items ELSE 0 END')} AS items,
         ${sum('CASE WHEN gateway = ? THEN bytes ELSE 0 END')} AS bytes, ${sum('bytes')} AS site_bytes
       FROM inbox_usage`,
      gateway,
      gateway,
    );
    return usage!;
  }

  /** The oldest item, of those after the item `afterId` where it is given; or null. */
  async first(afterId = 0): Promise<InboxItem | null> {
    const [row] = await this.#database.all<InboxItem>(
      `SELECT id, digest, gateway, camera, received_ms AS "receivedMs", attempts, envelope
       FROM inbox WHERE id > ? ORDER BY id LIMIT 1`,
      afterId,
    );
    return row ?? null;
  }

  async beginAttempt(id: number): Promise<void> {
    await this.#database.run('UPDATE inbox SET attempts = attempts + 1 WHERE id = ?', id);
  }

  async remove(id: number): Promise<void> {
    await this.#database.transaction(async (inside) => {
      const [gone] = await inside.all<{ gateway: string; bytes: number }>(
        'DELETE FROM inbox WHERE id = ? RETURNING gateway, LENGTH(envelope) AS bytes',
        id,
      );
      if (gone === undefined) return;
      await inside.run(
        'UPDATE inbox_usage SET items = items - 1, bytes = bytes - ? WHERE gateway = ?',
        gone.bytes,
        gone.gateway,
      );
    });
  }

  /** How many wait, of all gateways. */
  async count(): Promise<number> {
    const { integer } = this.#database.dialect;
    const [row] = await this.#database.all<{ count: number }>(
      `SELECT CAST(COALESCE(SUM(items), 0) AS ${integer}) AS count FROM inbox_usage`,
    );
    return row!.count;
  }
}
