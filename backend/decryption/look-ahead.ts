import { type Envelope, gatheredIn } from '#protocol/envelope.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { GatewayShards } from '../roles/gateway-shards.ts';
import type { InboxItem, InboxMark } from '../store/inbox.ts';
import type { ModelRecord } from '../store/models.ts';
import type { Store } from '../store/store.ts';
import type { Checked } from './check-envelope.ts';

/** Who decides which answers have to be opened; see ../auditor/selection.ts and ../auditor/challenger.ts. */
export type AnswerAudits = {
  /** Resolves when it is durable whether this answer has to be opened; the same answer again changes nothing. */
  consider(envelope: Envelope, receivedMs: number, leastShare: number): Promise<unknown>;
  /** An envelope of this gateway arrived, and is its own. */
  heard(gateway: string, receivedMs: number): void;
};

export type LookAheadOptions = {
  readonly store: Store;
  readonly audits: AnswerAudits;
  /** Everything that must hold before an envelope is decrypted, for some that are looked at now. */
  readonly checker: (items: readonly InboxItem[]) => Promise<(item: InboxItem) => Promise<Checked>>;
  /** The share of a network's answers that has to be opened, at least. */
  readonly leastShare: (model: ModelRecord, gathered: number) => number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly shards?: Pick<GatewayShards, 'mine'>;
};

const PAUSE_MS = 1000;
/** So long an envelope is left to the processor, which looks at it, too: far below the time after which its gateway is asked. */
const LEAVE_MS = 100;
/** Envelopes that it looks at one after the other, prepared together. */
const CHUNK = 32;
/** Ids of envelopes that the processor has seen before their turn here; more than it sees in that time. */
const MAX_SEEN = 4096;

/**
 * Has answers chosen for audits as they arrive, however many wait to be decrypted before them: when a gateway is asked must not tell how long
 * decryptions take. The processor has the same decided once more before it decrypts, so nothing is decrypted that was not considered.
 */
export class LookAhead {
  readonly #options: LookAheadOptions;
  #wake: () => void = () => {};
  #afterId = 0;
  #fromStart = false;
  /** What the processor had decided beyond `#afterId`. */
  readonly #seen = new Set<number>();

  constructor(options: LookAheadOptions) {
    this.#options = options;
  }

  /** Signals that the inbox has something new. */
  wake(): void {
    this.#wake();
  }

  /** Looks at all again: there may be gateways of which others had looked at what waits. */
  again(): void {
    this.#fromStart = true;
    this.wake();
  }

  /** Has it decided whether an answer has to be opened, by what was checked about it. */
  async see(item: InboxItem, checked: Checked): Promise<void> {
    const { audits, leastShare } = this.#options;
    if (checked.outcome === 'refuse') return;
    audits.heard(item.gateway, item.receivedMs);
    // What is held may be discarded; when it is released, it is new in the inbox.
    if (checked.outcome === 'decrypt') {
      const { envelope, model } = checked;
      await audits.consider(envelope, item.receivedMs, leastShare(model, gatheredIn(envelope)));
    }
    if (item.id > this.#afterId && this.#seen.size < MAX_SEEN) this.#seen.add(item.id);
  }

  /** Looks at each envelope of the inbox once, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    signal.addEventListener('abort', () => this.wake(), { once: true });
    while (!signal.aborted) {
      const { promise: woken, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      try {
        if (!(await this.#lookOn(signal))) await woken;
      } catch (error) {
        log.error({ err: error }, 'it could not be decided whether an answer has to be opened; trying again');
        await clock.sleep(PAUSE_MS, signal).catch(() => {});
      }
    }
  }

  /** Looks at those whose turn it is. @returns false where the inbox has nothing new */
  async #lookOn(signal: AbortSignal): Promise<boolean> {
    const { store, checker, clock, shards } = this.#options;
    if (this.#fromStart) this.#afterId = 0;
    this.#fromStart = false;
    const marks = await store.inbox.marks(this.#afterId, CHUNK, shards?.mine);
    const first = marks.find(({ id }) => !this.#seen.has(id));
    if (first !== undefined) {
      const leftMs = first.receivedMs + LEAVE_MS - clock.now();
      if (leftMs > 0) await clock.sleep(Math.min(leftMs, LEAVE_MS), signal).catch(() => {});
    }
    const turn: InboxMark[] = [];
    for (const mark of marks) {
      const leftMs = mark.receivedMs + LEAVE_MS - clock.now();
      // What is further in the future came before a clock was set back.
      if (mark.id !== first?.id && !this.#seen.has(mark.id) && leftMs > 0 && leftMs <= LEAVE_MS) break;
      turn.push(mark);
    }
    const unseen = turn.filter(({ id }) => !this.#seen.has(id)).map(({ id }) => id);
    const items = await store.inbox.all(unseen);
    const check = await checker(items);
    const seeAll = async (own: readonly InboxItem[]) => {
      for (const item of own) if (!this.#seen.has(item.id)) await this.see(item, await check(item));
    };
    // Gateways beside each other, so that what is asked of the store is asked together; each one's own in their order.
    const inOrder = items.toSorted((one, other) => one.id - other.id);
    await Promise.all([...Map.groupBy(inOrder, ({ gateway }) => gateway).values()].map(seeAll));
    this.#afterId = turn.at(-1)?.id ?? this.#afterId;
    for (const id of this.#seen) if (id <= this.#afterId) this.#seen.delete(id);
    return marks.length > 0;
  }
}
