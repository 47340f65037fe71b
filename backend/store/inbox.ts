import type { Database } from './database.ts';
import { inRuns, insertRows, marks, rowsOf } from './many-rows.ts';
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

/** The item of a gateway whose turn it is, and what is passed over once it is taken. */
type Turn = { readonly id: number; readonly passed: Passed };

/**
 * Which of a gateway's two oldest items has its turn.
 *
 * @param passed what is passed over so far; nothing at first
 * @param current, late the oldest of each kind behind that; null where there is none
 */
export function turnOf(
  passed: Passed = { current: 0, late: 0, row: 0 },
  current: number | null,
  late: number | null,
): Turn | null {
  if (current !== null && (passed.row < CURRENT_IN_A_ROW || late === null))
    return { id: current, passed: { ...passed, current, row: passed.row + 1 } };
  return late === null ? null : { id: late, passed: { ...passed, late, row: 0 } };
}

/** The entry of an envelope's canonical CBOR map that says that it waited. */
const LATE = Buffer.concat([Buffer.from([0x6a]), Buffer.from('historical'), Buffer.from([0xf5])]);

/**
 * Whether an envelope says of itself that it waited. It is not decoded, and nothing but its gateway's own order depends on it: who lies about it changes which of
 * its answers come first.
 */
export function saysLate(envelope: Uint8Array): boolean {
  return Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength).includes(LATE);
}

/** What became of an envelope that was to be stored. */
export type Added = 'stored' | 'present' | 'full' | 'site-full';

/** Gateways that are asked at once what waits of them. */
const PORTION = 64;

/** Of no gateway where there is no part. */
function among(shards: readonly number[] | null): string {
  if (shards === null) return '';
  return shards.length === 0 ? 'AND 1 = 0' : `AND shard IN (${shards.map(() => '?').join(', ')})`;
}

/** Lowers what is known to wait, of different gateways. */
async function takeFromUsage(
  inside: Database,
  usage: readonly (readonly [gateway: string, items: number, bytes: number])[],
): Promise<void> {
  const { integer, kind } = inside.dialect;
  const columns = ['?', `CAST(? AS ${integer})`, `CAST(? AS ${integer})`];
  // PostgreSQL locks the rows of an update in any order; whoever stores envelopes locks them by name.
  if (kind === 'postgresql') await lockUsage(inside, usage.map(([gateway]) => gateway).sort());
  for (const run of inRuns(usage))
    await inside.run(
      `WITH gone (gateway, items, bytes) AS (VALUES ${marks(run.length, columns)})
       UPDATE inbox_usage SET items = inbox_usage.items - gone.items, bytes = inbox_usage.bytes - gone.bytes
       FROM gone WHERE inbox_usage.gateway = gone.gateway`,
      ...run.flat(),
    );
}

/** What is waiting of one gateway. */
type Usage = { readonly items: number; readonly bytes: number };

const INSERT_USAGE = 'INSERT INTO inbox_usage (gateway, items, bytes, shard)';

const nameOf = ({ gateway, digest }: Pick<InboxItem, 'gateway' | 'digest'>): string => `${gateway} ${digest}`;

/** In one order, whoever writes about several at once: otherwise PostgreSQL finds transactions that wait for each other. */
const gatewaysOf = (items: readonly { readonly gateway: string }[]): string[] =>
  [...new Set(items.map(({ gateway }) => gateway))].sort();

/** What waits of gateways, by name; on PostgreSQL nobody else stores or removes anything of them until the transaction ends. */
async function lockUsage(inside: Database, sorted: readonly string[]): Promise<Map<string, Usage>> {
  const isShared = inside.dialect.kind === 'postgresql';
  if (isShared) {
    // Only what is there can be locked.
    const none = sorted.map((gateway) => [gateway, 0, 0, shardOf(gateway)]);
    await insertRows(inside, INSERT_USAGE, none, 'ON CONFLICT (gateway) DO NOTHING');
  }
  const rows = await rowsOf<Usage & { readonly gateway: string }>(
    inside,
    'SELECT gateway, items, bytes FROM inbox_usage WHERE gateway IN',
    sorted,
    // In the order in which names are sorted here, whatever the language of the database.
    isShared ? 'ORDER BY gateway COLLATE "C" FOR UPDATE' : '',
  );
  return new Map(rows.map(({ gateway, items, bytes }) => [gateway, { items, bytes }]));
}

/** Which of these wait already, by {@link nameOf}. */
async function presentOf(inside: Database, items: readonly Arrival[]): Promise<Set<string>> {
  const present = new Set<string>();
  for (const run of inRuns(items)) {
    const rows = await inside.all<Pick<InboxItem, 'gateway' | 'digest'>>(
      `SELECT gateway, digest FROM inbox WHERE (gateway, digest) IN (VALUES ${marks(run.length, 2)})`,
      ...run.flatMap(({ gateway, digest }) => [gateway, digest]),
    );
    for (const row of rows) present.add(nameOf(row));
  }
  return present;
}

/** Stores what is not there, in this order. */
async function insert(
  inside: Database,
  items: readonly (Arrival & { readonly attempts: number })[],
): Promise<void> {
  const usage = new Map<string, Usage>();
  for (const run of inRuns(items)) {
    const bytes = new Map(run.map((item) => [nameOf(item), item.envelope.length]));
    const rows = await inside.all<Pick<InboxItem, 'gateway' | 'digest'>>(
      `INSERT INTO inbox (gateway, digest, camera, received_ms, attempts, late, shard, envelope)
       VALUES ${marks(run.length, 8)} ON CONFLICT (gateway, digest) DO NOTHING RETURNING gateway, digest`,
      ...run.flatMap((item) => [
        item.gateway,
        item.digest,
        item.camera,
        item.receivedMs,
        item.attempts,
        saysLate(item.envelope) ? 1 : 0,
        shardOf(item.gateway),
        item.envelope,
      ]),
    );
    for (const row of rows) {
      const before = usage.get(row.gateway) ?? { items: 0, bytes: 0 };
      const added = bytes.get(nameOf(row))!;
      usage.set(row.gateway, { items: before.items + 1, bytes: before.bytes + added });
    }
  }
  await insertRows(
    inside,
    INSERT_USAGE,
    [...usage.keys()]
      .sort()
      .map((gateway) => [gateway, usage.get(gateway)!.items, usage.get(gateway)!.bytes, shardOf(gateway)]),
    `ON CONFLICT (gateway) DO UPDATE SET items = inbox_usage.items + excluded.items,
       bytes = inbox_usage.bytes + excluded.bytes, shard = excluded.shard`,
  );
}

/**
 * Envelopes that were received and not settled yet. Keyed by the digest of the bytes and not by their content:
 * nothing is verified yet, so a forged envelope must not be able to replace a genuine one.
 */
export class InboxStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** As {@link addAll}, of one. */
  async add(item: Arrival, bound: InboxBound): Promise<Added> {
    return (await this.addAll([item], bound))[0]!;
  }

  /**
   * Stores envelopes durably, in a few statements, and in a time that does not depend on how many wait.
   *
   * @param waiting bytes of all gateways, where they are known: reading them takes longer, the more gateways there are
   * @returns of each `stored`; `present` if the same bytes of its gateway are already waiting; `full` if too much of its gateway is waiting, or
   *   `site-full` where too much of all does.
   */
  async addAll(
    items: readonly Arrival[],
    bound: InboxBound,
    waiting?: { readonly siteBytes: number },
  ): Promise<Added[]> {
    return this.#database.transaction(async (inside) => {
      const usage = await lockUsage(inside, gatewaysOf(items));
      const known = await presentOf(inside, items);
      let siteBytes = waiting?.siteBytes ?? (await new InboxStore(inside).siteBytes());
      const stored: Arrival[] = [];
      const outcomes = items.map((item): Added => {
        const { gateway, envelope } = item;
        if (known.has(nameOf(item))) return 'present';
        const { items: count, bytes } = usage.get(gateway) ?? { items: 0, bytes: 0 };
        const after = { items: count + 1, bytes: bytes + envelope.length };
        if (after.items > bound.items || after.bytes > bound.bytes) return 'full';
        if (siteBytes + envelope.length > bound.siteBytes) return 'site-full';
        known.add(nameOf(item));
        usage.set(gateway, after);
        siteBytes += envelope.length;
        stored.push(item);
        return 'stored';
      });
      await insert(
        inside,
        stored.map((item) => ({ ...item, attempts: 0 })),
      );
      return outcomes;
    });
  }

  /** Takes back what was kept during its gateway's quarantine, regardless of the limits; call it in a transaction. */
  async takeBack(items: readonly (Arrival & { readonly attempts: number })[]): Promise<void> {
    await lockUsage(this.#database, gatewaysOf(items));
    await insert(this.#database, items);
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
    return (await this.all([id]))[0] ?? null;
  }

  /** Those of these that wait, in any order. */
  all(ids: readonly number[]): Promise<InboxItem[]> {
    return rowsOf<InboxItem>(
      this.#database,
      `SELECT id, digest, gateway, camera, received_ms AS "receivedMs", attempts, envelope FROM inbox WHERE id IN`,
      ids,
    );
  }

  /** As {@link take}, of one. */
  async next(
    turn: string,
    seen: Map<string, Passed>,
    shards: readonly number[] | null = null,
  ): Promise<InboxItem | null> {
    return (await this.take(turn, seen, { items: 1, ofOne: 1 }, shards))[0] ?? null;
  }

  /**
   * The oldest items of one gateway after the other, so that whoever sends much waits for itself only; of those that are current, and now and then of those
   * that waited in its outbox, so that thousands of these do not hide what is.
   *
   * @param turn the gateway that had the last one, '' at first: the next in the order of names is that one's neighbor
   * @param seen what is passed over, by gateway; noted here for the items returned
   * @param most so many, and so many of one gateway
   * @param shards as above
   */
  async take(
    turn: string,
    seen: Map<string, Passed>,
    most: { readonly items: number; readonly ofOne: number },
    shards: readonly number[] | null = null,
  ): Promise<InboxItem[]> {
    const passed = new Map<string, Passed>();
    const ids: number[] = [];
    const takeOfEach = async (gateways: readonly string[]): Promise<string[]> => {
      const oldest = await this.#oldestOf(gateways, (gateway) => passed.get(gateway) ?? seen.get(gateway));
      const taken: string[] = [];
      for (const gateway of gateways) {
        const found = oldest.get(gateway);
        if (found === undefined || ids.length >= most.items) continue;
        ids.push(found.id);
        passed.set(gateway, found.passed);
        taken.push(gateway);
      }
      return taken;
    };
    let ring: string[] = [];
    for await (const gateways of this.#waiting(turn, shards)) {
      ring.push(...(await takeOfEach(gateways)));
      if (ids.length >= most.items) break;
    }
    for (let round = 1; round < most.ofOne && ring.length > 0 && ids.length < most.items; round++)
      ring = await takeOfEach(ring);
    const items = new Map((await this.all(ids)).map((item) => [item.id, item]));
    for (const [gateway, one] of passed) seen.set(gateway, one);
    return ids.flatMap((id) => items.get(id) ?? []);
  }

  /** The gateways of which something waits, in the order of their turns, in portions. */
  async *#waiting(turn: string, shards: readonly number[] | null): AsyncGenerator<string[]> {
    const sides = [{ from: turn, until: '' }, ...(turn === '' ? [] : [{ from: '', until: turn }])];
    for (const { from, until } of sides)
      for (let after = from; ; ) {
        const rows = await this.#database.all<{ gateway: string }>(
          `SELECT gateway FROM inbox_usage WHERE items > 0 AND gateway > ? ${until === '' ? '' : 'AND gateway <= ?'}
           ${among(shards)} ORDER BY gateway LIMIT ${PORTION}`,
          after,
          ...(until === '' ? [] : [until]),
          ...(shards ?? []),
        );
        if (rows.length > 0) yield rows.map(({ gateway }) => gateway);
        if (rows.length < PORTION) break;
        after = rows.at(-1)!.gateway;
      }
  }

  /** Of each gateway the item whose turn it is, and what is passed over once it is taken; without those of which nothing else waits. */
  async #oldestOf(
    gateways: readonly string[],
    passedOf: (gateway: string) => Passed | undefined,
  ): Promise<Map<string, Turn>> {
    const { integer } = this.#database.dialect;
    const columns = ['?', `CAST(? AS ${integer})`, `CAST(? AS ${integer})`];
    const ofKind = (late: number, after: string) =>
      `(SELECT MIN(id) FROM inbox WHERE inbox.gateway = asked.gateway AND late = ${late} AND id > asked.${after})`;
    const oldest = new Map<string, Turn>();
    for (const run of inRuns(gateways)) {
      const rows = await this.#database.all<{ gateway: string; current: number | null; late: number | null }>(
        `WITH asked (gateway, after_current, after_late) AS (VALUES ${marks(run.length, columns)})
         SELECT gateway, ${ofKind(0, 'after_current')} AS "current", ${ofKind(1, 'after_late')} AS "late" FROM asked`,
        ...run.flatMap((gateway) => [gateway, passedOf(gateway)?.current ?? 0, passedOf(gateway)?.late ?? 0]),
      );
      for (const { gateway, current, late } of rows) {
        const turn = turnOf(passedOf(gateway), current, late);
        if (turn !== null) oldest.set(gateway, turn);
      }
    }
    return oldest;
  }

  async beginAttempts(ids: readonly number[]): Promise<void> {
    for (const run of inRuns(ids)) {
      const sql = `UPDATE inbox SET attempts = attempts + 1 WHERE id IN (${run.map(() => '?').join(', ')})`;
      await this.#database.run(sql, ...run);
    }
  }

  async remove(ids: readonly number[]): Promise<void> {
    await this.#database.transaction(async (inside) => {
      const gone = await rowsOf<{ gateway: string; bytes: number }>(
        inside,
        'DELETE FROM inbox WHERE id IN',
        ids,
        'RETURNING gateway, LENGTH(envelope) AS bytes',
      );
      const usage = [...Map.groupBy(gone, ({ gateway }) => gateway)].map(
        ([gateway, items]): [string, number, number] => [
          gateway,
          items.length,
          items.reduce((sum, { bytes }) => sum + bytes, 0),
        ],
      );
      await takeFromUsage(inside, usage);
    });
  }

  /** Sees to it that these are in the database; here they are. */
  async setAside(_ids: readonly number[], _most: number): Promise<void> {}

  /** How many are waiting, of all gateways. */
  async count(): Promise<number> {
    const { integer } = this.#database.dialect;
    const [row] = await this.#database.all<{ count: number }>(
      `SELECT CAST(COALESCE(SUM(items), 0) AS ${integer}) AS count FROM inbox_usage`,
    );
    return row!.count;
  }
}
