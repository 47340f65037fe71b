import { envelopeDigest } from '#protocol/envelope.ts';
import type { Refusal } from '#protocol/refusals.ts';
import type { Clock } from '#runtime/clock.ts';
import type { MessageHandler } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import type { Kept, StreamQueue } from '../queue/stream-queue.ts';
import type { Arrival, InboxBound } from '../store/inbox.ts';
import type { Store } from '../store/store.ts';
import { ENVELOPE_MAX_BYTES } from './envelope-limit.ts';
import type { EnvelopeTraces } from './envelope-traces.ts';
import { PendingArrivals } from './pending-arrivals.ts';
import type { ReceiptSender } from './receipt-sender.ts';
import type { RefusalLog } from './refusal-log.ts';

export type IntakeOptions = {
  readonly store: Store;
  readonly receipts: Pick<ReceiptSender, 'add'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly refusals: RefusalLog;
  /** Called after envelopes became durable. */
  readonly onStored: () => void;
  readonly bound?: InboxBound;
  /** Whether the disk of the inbox is nearly full; asked before each commit. Never, where it is not on a disk of this machine. */
  readonly isDiskLow?: () => Promise<boolean>;
  /** Where envelopes wait, if not in the store: their receipts are due once they are settled. */
  readonly queue?: Pick<StreamQueue, 'keep'>;
  /** Where some envelopes are traced. */
  readonly traces?: Pick<EnvelopeTraces, 'kept'> | null;
};

const BOUND: InboxBound = { items: 20_000, bytes: 2 ** 30, siteBytes: 4 * 2 ** 30 };
const NOTHING: InboxBound = { items: 0, bytes: 0, siteBytes: 0 };
/** Commits begin no sooner one after the other, so that each makes more durable while much comes. */
const PACE_MS = 25;
/** How long it is known what waits of all gateways, as long as it is no more than this share of what may. */
const SITE_KNOWN_MS = 1000;
const SITE_KNOWN_SHARE = 0.9;

const FULL = { full: 'inbox-full', 'site-full': 'site-full', oversized: 'oversized' } as const;

type Drops = { count: number; readonly gateways: Set<string> };

/** `blindsight/v1/<site>/<gateway>/camera/<camera>/inference` */
function namesIn(topic: string): { readonly gateway: string; readonly camera: string } | null {
  const levels = topic.split('/');
  const [gateway, camera] = [levels[3], levels[5]];
  return levels.length === 7 && gateway !== undefined && camera !== undefined ? { gateway, camera } : null;
}

/**
 * First station of an envelope: durable in the inbox, then a receipt, whatever the bytes are. Nothing is decoded here, so a receipt
 * says nothing about them. Where envelopes wait in a queue outside of the store, receipts come later; see `SettledReceipts`.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #pending = new PendingArrivals();
  #site = { siteBytes: 0, readMs: Number.NEGATIVE_INFINITY };
  #committedMs = Number.NEGATIVE_INFINITY;
  /** How many wait until nothing is left: for them no commit is put off. */
  #waiting = 0;
  #hurry = new AbortController();
  /** What was dropped since the last commit: a flood must cause neither a flood of commits nor of memory. */
  #drops = new Map<Refusal, Drops>();
  #flushing: Promise<void> | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Handler of the inference topics. */
  readonly receive: MessageHandler = (topic, payload, packet) => {
    const names = namesIn(topic);
    if (names === null) return;
    const receivedMs = this.#options.clock.now();
    const arrival = { ...names, receivedMs, envelope: payload };
    if (packet.retain) this.#drop([names.gateway], 'retained');
    else if (payload.length > ENVELOPE_MAX_BYTES) this.#drop([names.gateway], 'oversized');
    // What is dropped comes again: its gateway has no receipt for it.
    else if (!this.#pending.add(arrival)) this.#drop([names.gateway], 'inbox-full');
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
  };

  #drop(gateways: Iterable<string>, reason: Refusal, count = 1): void {
    const drops = this.#drops.get(reason) ?? { count: 0, gateways: new Set() };
    drops.count += count;
    for (const gateway of gateways) drops.gateways.add(gateway);
    this.#drops.set(reason, drops);
  }

  /** Resolves when everything that was received is durable or dropped. */
  async idle(): Promise<void> {
    this.#waiting += 1;
    this.#hurry.abort();
    try {
      while (this.#flushing !== null) await this.#flushing;
    } finally {
      this.#waiting -= 1;
    }
  }

  async #flush(): Promise<void> {
    const { clock } = this.#options;
    while (this.#pending.size > 0 || this.#drops.size > 0) {
      const earlyMs = this.#committedMs + PACE_MS - clock.monotonic();
      if (earlyMs > 0 && !this.#pending.isBatch && this.#waiting === 0) {
        this.#hurry = new AbortController();
        await clock.sleep(earlyMs, this.#hurry.signal).catch(() => {});
      }
      this.#committedMs = clock.monotonic();
      const batch = this.#pending
        .take()
        .map((arrival): Arrival => ({ ...arrival, digest: envelopeDigest(arrival.envelope) }));
      try {
        const kept = await this.#keep(batch);
        if (this.#options.queue === undefined)
          for (const { gateway, digest } of kept) this.#options.receipts.add(gateway, digest);
        if (this.#options.traces) this.#options.traces.kept(kept);
        if (kept.length > 0) this.#options.onStored();
        await this.#countDrops();
      } catch (error) {
        // No receipt: the gateways still have these and send them again.
        this.#options.log.error({ err: error, count: batch.length }, 'cannot store what was received');
        // What was dropped is counted with the next arrival that can be.
        if (this.#pending.size === 0) return;
      }
    }
  }

  async #keep(batch: readonly Arrival[]): Promise<Arrival[]> {
    if (batch.length === 0) return [];
    if (this.#options.queue !== undefined) return this.#queue(batch, this.#options.queue);
    const { store, bound = BOUND, isDiskLow } = this.#options;
    const isLow = (await isDiskLow?.()) ?? false;
    const site = await this.#siteUsage(store, bound);
    // What is already waiting is confirmed even while the disk is nearly full.
    const outcomes = await store.transaction(({ inbox }) =>
      inbox.addAll(batch, isLow ? NOTHING : bound, site),
    );
    for (const [i, { envelope }] of batch.entries())
      if (outcomes[i] === 'stored') site.siteBytes += envelope.length;
    return this.#durable(batch, outcomes, isLow);
  }

  async #queue(batch: readonly Arrival[], queue: Pick<StreamQueue, 'keep'>): Promise<Arrival[]> {
    return this.#durable(batch, await queue.keep(batch), false);
  }

  /** Those that are durable. The others are dropped, but for what failed: that is as lost on the way, and its gateway sends it again. */
  #durable(batch: readonly Arrival[], outcomes: readonly Kept[], isLow: boolean): Arrival[] {
    return batch.filter((arrival, i) => {
      const outcome = outcomes[i]!;
      if (outcome === 'stored' || outcome === 'present') return true;
      if (outcome !== 'failed') this.#drop([arrival.gateway], isLow ? 'disk-full' : FULL[outcome]);
      return false;
    });
  }

  /** What waits of all gateways: read now and then, and added to in between. */
  async #siteUsage({ inbox }: Store, bound: InboxBound): Promise<{ siteBytes: number }> {
    const nowMs = this.#options.clock.monotonic();
    const { siteBytes, readMs } = this.#site;
    if (nowMs - readMs > SITE_KNOWN_MS || siteBytes > SITE_KNOWN_SHARE * bound.siteBytes)
      this.#site = { siteBytes: await inbox.siteBytes(), readMs: nowMs };
    return this.#site;
  }

  async #countDrops(): Promise<void> {
    const { store, refusals } = this.#options;
    const drops = this.#drops;
    if (drops.size === 0) return;
    this.#drops = new Map();
    try {
      await store.transaction(async (inside) => {
        for (const [reason, { count }] of drops) await inside.counters.add(`refused.${reason}`, count);
      });
    } catch (error) {
      for (const [reason, { count, gateways }] of drops) this.#drop(gateways, reason, count);
      throw error;
    }
    for (const [reason, { gateways }] of drops) {
      for (const gateway of gateways) await refusals.add(gateway, reason);
    }
  }
}
