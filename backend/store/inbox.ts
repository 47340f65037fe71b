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

/** How much of one gateway may wait; more is not taken, and stays in the gateway's outbox. */
export type InboxBound = { readonly items: number; readonly bytes: number };

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
   * Keeps an envelope, durably.
   *
   * @returns `stored`, `present` where the same bytes of this gateway wait already, or `full`.
   */
  async add(
    item: Omit<InboxItem, 'id' | 'attempts'>,
    bound: InboxBound,
  ): Promise<'stored' | 'present' | 'full'> {
    return this.#database.transaction(async (inside) => {
      const [present] = await inside.all<{ id: number }>(
        'SELECT id FROM inbox WHERE gateway = ? AND digest = ?',
        item.gateway,
        item.digest,
      );
      if (present !== undefined) return 'present';
      const [waiting] = await inside.all<{ items: number; bytes: number }>(
        `SELECT COUNT(*) AS items, CAST(COALESCE(SUM(LENGTH(envelope)), 0) AS ${this.#database.dialect.integer}) AS bytes
         FROM inbox WHERE gateway = ?`,
        item.gateway,
      );
      const { items, bytes } = waiting!;
      if (items + 1 > bound.items || bytes + item.envelope.length > bound.bytes) return 'full';
      await inside.run(
        `INSERT INTO inbox (gateway, digest, camera, received_ms, attempts, envelope) VALUES (?, ?, ?, ?, 0, ?)`,
        item.gateway,
        item.digest,
        item.camera,
        item.receivedMs,
        item.envelope,
      );
      return 'stored';
    });
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
    await this.#database.run('DELETE FROM inbox WHERE id = ?', id);
  }

  async count(): Promise<number> {
    const [row] = await this.#database.all<{ count: number }>('SELECT COUNT(*) AS count FROM inbox');
    return row?.count ?? 0;
  }
}
