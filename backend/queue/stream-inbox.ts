import { AttemptStore } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { DueReceiptStore } from '../store/due-receipts.ts';
import {
  type Added,
  type Arrival,
  type InboxBound,
  type InboxItem,
  InboxStore,
  type Passed,
} from '../store/inbox.ts';
import type { Inbox } from '../store/outside-inbox.ts';
import type { Head, StreamIndex } from './stream-index.ts';
import type { TableTurns } from './table-turns.ts';

/** What a stream does for those who settle. */
export type StreamWork = {
  readonly index: StreamIndex;
  readonly table: Pick<TableTurns, 'take'>;
  /** From now on those of these parts of the gateways are worked on; null for all. */
  serve(shards: readonly number[] | null): void;
  /** @returns null where it is not there, or not there yet */
  open(head: Head, attempts: AttemptStore): Promise<InboxItem | null>;
  /** What `open` gave out and is not settled. */
  given(id: number): Head | null;
  /** An attempt may be noted of it. */
  begun(head: Head): void;
  keep(
    batch: readonly Arrival[],
  ): Promise<readonly ('stored' | 'present' | 'full' | 'site-full' | 'oversized' | 'failed')[]>;
  state(): Promise<{ readonly messages: number; readonly bytes: number }>;
};

/** Ids of the stream are positive; those of the table are as far below zero, and in their order. */
const TABLE = 2 ** 50;
const outOfTable = (item: InboxItem): InboxItem => ({ ...item, id: item.id - TABLE });
const isOfTable = (id: number): boolean => id < 0;
const inTable = (ids: readonly number[]): number[] => ids.filter(isOfTable).map((id) => id + TABLE);

/**
 * The inbox of a site whose envelopes wait in a stream, for one database or one of its transactions. What is in the stream has no receipt: that is due once its outcome is in
 * the database. What has one is in the table until then.
 */
export class StreamInbox implements Inbox {
  readonly #work: StreamWork;
  readonly #attempts: AttemptStore;
  readonly #receipts: DueReceiptStore;
  readonly #table: InboxStore;
  readonly #onRemoved: (id: number) => void;

  constructor(work: StreamWork, database: Database, onRemoved: (id: number) => void) {
    this.#work = work;
    this.#attempts = new AttemptStore(database);
    this.#receipts = new DueReceiptStore(database);
    this.#table = new InboxStore(database);
    this.#onRemoved = onRemoved;
  }

  async add(item: Arrival, _bound?: InboxBound): Promise<Added> {
    return (await this.addAll([item]))[0]!;
  }

  async addAll(items: readonly Arrival[], _bound?: InboxBound): Promise<Added[]> {
    const outcomes = await this.#work.keep(items);
    return outcomes.map((one) => (one === 'failed' || one === 'oversized' ? 'site-full' : one));
  }

  takeBack(items: readonly (Arrival & { readonly attempts: number })[]): Promise<void> {
    return this.#table.takeBack(items);
  }

  divide(): Promise<void> {
    return this.#table.divide();
  }

  async siteBytes(): Promise<number> {
    return (await this.#work.state()).bytes;
  }

  async count(): Promise<number> {
    return (await this.#work.state()).messages + (await this.#table.count());
  }

  async first(afterId = 0): Promise<InboxItem | null> {
    const [mark] = await this.marks(afterId, 1);
    return mark === undefined ? null : this.get(mark.id);
  }

  async marks(afterId: number, limit: number, shards: readonly number[] | null = null): Promise<Head[]> {
    this.#work.serve(shards);
    return this.#work.index.marks(afterId, limit);
  }

  async get(id: number): Promise<InboxItem | null> {
    return (await this.all([id]))[0] ?? null;
  }

  async all(ids: readonly number[]): Promise<InboxItem[]> {
    const items = (await this.#table.all(inTable(ids))).map(outOfTable);
    for (const id of ids) {
      const head = this.#work.index.head(id);
      const item = head === undefined ? null : await this.#work.open(head, this.#attempts);
      if (item !== null) items.push(item);
    }
    return items;
  }

  async next(
    turn: string,
    seen: Map<string, Passed>,
    shards: readonly number[] | null = null,
  ): Promise<InboxItem | null> {
    return (await this.take(turn, seen, { items: 1, ofOne: 1 }, shards))[0] ?? null;
  }

  async take(
    turn: string,
    seen: Map<string, Passed>,
    most: { readonly items: number; readonly ofOne: number },
    shards: readonly number[] | null = null,
  ): Promise<InboxItem[]> {
    this.#work.serve(shards);
    // Half of them, so that neither has to wait for all of the other.
    const half = { ...most, items: Math.ceil(most.items / 2) };
    const items = (await this.#work.table.take(this.#table, turn, seen, half, shards)).map(outOfTable);
    const counts = new Map<string, number>();
    for (const { gateway } of items) counts.set(gateway, (counts.get(gateway) ?? 0) + 1);
    const hasEnough = (gateway: string) => (counts.get(gateway) ?? 0) >= most.ofOne;
    let last = turn;
    while (items.length < most.items) {
      const next = this.#work.index.next(last, seen, hasEnough);
      if (next === null) break;
      const { head, passed } = next;
      try {
        const item = await this.#work.open(head, this.#attempts);
        // Only now: what could not be fetched has its turn again, before those behind it.
        seen.set(head.gateway, passed);
        if (item === null) continue;
        last = item.gateway;
        counts.set(last, (counts.get(last) ?? 0) + 1);
        items.push(item);
      } catch (error) {
        if (items.length === 0) throw error;
        break;
      }
    }
    return items;
  }

  async beginAttempts(ids: readonly number[]): Promise<void> {
    const heads = this.#given(ids);
    for (const head of heads) this.#work.begun(head);
    await this.#attempts.begin(heads);
    await this.#table.beginAttempts(inTable(ids));
  }

  async remove(ids: readonly number[]): Promise<void> {
    const heads = this.#given(ids);
    await this.#attempts.remove(heads);
    await this.#receipts.add(heads);
    const ofTable = inTable(ids);
    if (ofTable.length > 0) await this.#table.remove(ofTable);
    for (const id of ids) if (!isOfTable(id)) this.#onRemoved(id);
  }

  /** Brings these into the table, where so many are at most; their receipts are due then. */
  async setAside(ids: readonly number[], most: number): Promise<void> {
    const room = most - (await this.#table.count());
    const items = await this.all(ids.slice(0, Math.max(0, room)));
    await this.#table.takeBack(items);
    await this.remove(items.map(({ id }) => id));
  }

  #given(ids: readonly number[]): Head[] {
    return ids.map((id) => this.#work.given(id)).filter((head) => head !== null);
  }
}
