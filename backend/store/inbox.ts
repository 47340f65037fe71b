import type { Database } from './database.ts';
import { shardOf } from './shard-of.ts';

export type InboxItem = {
  readonly id: number;
  /** SHA-256 of the envelope as received, hex. */
  readonly digest: string;
  /** From the topic, which the broker has checked against the certificate. */
  readonly gateway: string;
  readonly camera: string;
  readonly receivedMs: number;
  /** How many decryptions were started. */
  readonly attempts: number;
  readonly envelope: Uint8Array;
};

/** An item of which only this is read. */
export type InboxMark = Pick<InboxItem, 'id' | 'receivedMs'>;

/** An envelope as received. */
export type Arrival = Omit<InboxItem, 'id' | 'attempts'>;

/** How much may wait; anything beyond is refused and stays in the gateways' outboxes. */
export type InboxBound = {
  /** Of one gateway. */
  readonly items: number;
  /** Of one gateway. */
  readonly bytes: number;
  /** Of all gateways together. */
  readonly siteBytes: number;
};

/**
 * Up to where the items of a gateway are passed over, and how many in a row were current. Ids start at 1.
 */
export type Passed = { readonly current: number; readonly late: number; readonly row: number };

/** As many current answers of a gateway are taken before one that waited in its outbox. */
const CURRENT_IN_A_ROW = 3;

/** The entry of an envelope's canonical CBOR map that says that it waited. */
const LATE = Buffer.concat([Buffer.from([0x6a]), Buffer.from('historical'), Buffer.from([0xf5])]);

/**
 * Whether an envelope says of itself that it waited. It is not decoded, and nothing but its gateway's own order depends on it: who lies about it changes which of
 * its answers come first.
 */
function saysLate(envelope: Uint8Array): boolean {
  return Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength).includes(LATE);
}

/** Of no gateway where there is no part. */
function among(shards: readonly number[] | null): string {
  if (shards === null) return '';
  return shards.length === 0 ? 'AND 1 = 0' : `AND shard IN (${shards.map(() => '?').join(', ')})`;
}

/** What is waiting of one gateway. */
type Usage = { readonly items: number; readonly bytes: number };

/**
 * Envelopes that were received and not settled yet. Keyed by the digest of the bytes and not by their content:
 * nothing is verified yet, so a forged envelope must not be able to replace a genuine one.
 */
export class InboxStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Stores an envelope durably, in a time that does not depend on how many wait.
   *
   * @param waiting bytes of all gateways, where they are known: reading them takes longer, the more gateways there are
   * @returns `stored`; `present` if the same bytes of this gateway are already waiting; `full` if too much of this gateway is waiting, or
   *   `site-full` where too much of all does.
   */
  async add(
    item: Arrival,
    bound: InboxBound,
    waiting?: { readonly siteBytes: number },
  ): Promise<'stored' | 'present' | 'full' | 'site-full'> {
    return this.#database.transaction(async (inside) => {
      const [present] = await inside.all<{ id: number }>(
        'SELECT id FROM inbox WHERE gateway = ? AND digest = ?',
        item.gateway,
        item.digest,
      );
      if (present !== undefined) return 'present';
      const added = item.envelope.length;
      const { items, bytes } = await this.#usage(inside, item.gateway);
      const { siteBytes } = waiting ?? { siteBytes: await new InboxStore(inside).siteBytes() };
      if (items + 1 > bound.items || bytes + added > bound.bytes) return 'full';
      if (siteBytes + added > bound.siteBytes) return 'site-full';
      await this.#insert(inside, { ...item, attempts: 0 });
      return 'stored';
    });
  }

  /** Takes back what was kept during its gateway's quarantine, regardless of the limits; call it in a transaction. */
  takeBack(item: Arrival & { readonly attempts: number }): Promise<void> {
    return this.#insert(this.#database, item);
  }

  async #insert(inside: Database, item: Arrival & { readonly attempts: number }): Promise<void> {
    const inserted = await inside.run(
      `INSERT INTO inbox (gateway, digest, camera, received_ms, attempts, late, shard, envelope)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (gateway, digest) DO NOTHING`,
      item.gateway,
      item.digest,
      item.camera,
      item.receivedMs,
      item.attempts,
      saysLate(item.envelope) ? 1 : 0,
      shardOf(item.gateway),
      item.envelope,
    );
    if (inserted === 0) return;
    await inside.run(
      `INSERT INTO inbox_usage (gateway, items, bytes, shard) VALUES (?, 1, ?, ?)
       ON CONFLICT (gateway) DO UPDATE SET items = inbox_usage.items + 1, bytes = inbox_usage.bytes + excluded.bytes,
         shard = excluded.shard`,
      item.gateway,
      item.envelope.length,
      shardOf(item.gateway),
    );
  }

  /** Notes which part of the gateways those are in of which something waited before parts were noted. */
  async divide(): Promise<void> {
    const rows = await this.#database.all<{ gateway: string }>(
      `SELECT gateway FROM inbox_usage WHERE shard IS NULL
       UNION SELECT gateway FROM inbox WHERE shard IS NULL ORDER BY gateway`,
    );
    for (const { gateway } of rows) {
      const shard = shardOf(gateway);
      await this.#database.run(
        'UPDATE inbox SET shard = ? WHERE gateway = ? AND shard IS NULL',
        shard,
        gateway,
      );
      await this.#database.run('UPDATE inbox_usage SET shard = ? WHERE gateway = ?', shard, gateway);
    }
  }

  async #usage(inside: Database, gateway: string): Promise<Usage> {
    const [usage] = await inside.all<Usage>(
      'SELECT items, bytes FROM inbox_usage WHERE gateway = ?',
      gateway,
    );
    return usage ?? { items: 0, bytes: 0 };
  }

  /** What waits of all gateways. Reads one row for each gateway, however much it is. */
  async siteBytes(): Promise<number> {
    const { integer } = this.#database.dialect;
    const [row] = await this.#database.all<{ bytes: number }>(
      `SELECT CAST(COALESCE(SUM(bytes), 0) AS ${integer}) AS bytes FROM inbox_usage`,
    );
    return row!.bytes;
  }

  /** The oldest item, or null; if `afterId` is given, the oldest after that item. */
  async first(afterId = 0): Promise<InboxItem | null> {
    const [row] = await this.#database.all<InboxItem>(
      `SELECT id, digest, gateway, camera, received_ms AS "receivedMs", attempts, envelope
       FROM inbox WHERE id > ? ORDER BY id LIMIT 1`,
      afterId,
    );
    return row ?? null;
  }

  /**
   * The oldest items after one, as far as it takes to know whether their turn has come.
   *
   * @param shards parts of the gateways that they are looked for in; null for all
   */
  async marks(afterId: number, limit: number, shards: readonly number[] | null = null): Promise<InboxMark[]> {
    return this.#database.all<InboxMark>(
      `SELECT id, received_ms AS "receivedMs" FROM inbox WHERE id > ? ${among(shards)} ORDER BY id LIMIT ?`,
      afterId,
      ...(shards ?? []),
      limit,
    );
  }

  async get(id: number): Promise<InboxItem | null> {
    const [row] = await this.#database.all<InboxItem>(
      `SELECT id, digest, gateway, camera, received_ms AS "receivedMs", attempts, envelope
       FROM inbox WHERE id = ?`,
      id,
    );
    return row ?? null;
  }

  /**
   * The oldest item of the gateway whose turn is next, so that whoever sends much waits for itself only; of those that are current, and now and then of those
   * that waited in its outbox, so that thousands of these do not hide what is.
   *
   * @param turn the gateway that had the last one, '' at first: the next in the order of names is that one's neighbor
   * @param seen what is passed over, by gateway; noted here for the item returned
   * @param shards as above
   * @param isLeftOut says of a gateway that it has had enough
   * @returns null where nothing else waits
   */
  async next(
    turn: string,
    seen: Map<string, Passed>,
    shards: readonly number[] | null = null,
    isLeftOut: (gateway: string) => boolean = () => false,
  ): Promise<InboxItem | null> {
    let from = turn;
    let isAround = false;
    for (;;) {
      const [row] = await this.#database.all<{ gateway: string }>(
        `SELECT gateway FROM inbox_usage WHERE items > 0 AND gateway > ? ${among(shards)} ORDER BY gateway LIMIT 1`,
        from,
        ...(shards ?? []),
      );
      if (row === undefined || (isAround && row.gateway > turn)) {
        if (isAround || turn === '') return null;
        [from, isAround] = ['', true];
        continue;
      }
      from = row.gateway;
      if (isLeftOut(row.gateway)) continue;
      const passed = seen.get(row.gateway) ?? { current: 0, late: 0, row: 0 };
      const order =
        passed.row < CURRENT_IN_A_ROW ? (['current', 'late'] as const) : (['late', 'current'] as const);
      for (const kind of order) {
        const item = await this.#oldestOf(row.gateway, kind, passed[kind]);
        if (item === null) continue;
        const inARow = kind === 'current' ? passed.row + 1 : 0;
        seen.set(row.gateway, { ...passed, [kind]: item.id, row: inARow });
        return item;
      }
    }
  }

  async #oldestOf(gateway: string, kind: 'current' | 'late', afterId: number): Promise<InboxItem | null> {
    const [row] = await this.#database.all<InboxItem>(
      `SELECT id, digest, gateway, camera, received_ms AS "receivedMs", attempts, envelope
       FROM inbox WHERE gateway = ? AND late = ? AND id > ? ORDER BY id LIMIT 1`,
      gateway,
      kind === 'late' ? 1 : 0,
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

  /** How many are waiting, of all gateways. */
  async count(): Promise<number> {
    const { integer } = this.#database.dialect;
    const [row] = await this.#database.all<{ count: number }>(
      `SELECT CAST(COALESCE(SUM(items), 0) AS ${integer}) AS count FROM inbox_usage`,
    );
    return row!.count;
  }
}
