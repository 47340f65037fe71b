import type { Clock } from '#runtime/clock.ts';
import type { InboxItem, InboxStore, Passed } from '../store/inbox.ts';

/** How soon it is looked again into a table that had nothing. */
const LOOK_MS = 1_000;
/** No name of a gateway begins with it: what is passed over in the table is noted beside what is passed over in the stream. */
const MARK = '\u0000';

/**
 * Turns of what is in the table of the inbox although the site has a stream: what was brought back from quarantine, or waited before there was a stream. Its gateways have
 * their receipts, so it stays in the database until it is settled.
 */
export class TableTurns {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #lookMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** As {@link InboxStore.take}; nothing, where there was nothing a moment ago. */
  async take(
    table: InboxStore,
    turn: string,
    seen: Map<string, Passed>,
    most: { readonly items: number; readonly ofOne: number },
    shards: readonly number[] | null,
  ): Promise<InboxItem[]> {
    if (this.#clock.monotonic() < this.#lookMs) return [];
    const own = new Map<string, Passed>();
    for (const [name, passed] of seen) if (name.startsWith(MARK)) own.set(name.slice(MARK.length), passed);
    const items = await table.take(turn, own, most, shards);
    if (items.length === 0) this.#lookMs = this.#clock.monotonic() + LOOK_MS;
    for (const [gateway, passed] of own) seen.set(`${MARK}${gateway}`, passed);
    return items;
  }
}
