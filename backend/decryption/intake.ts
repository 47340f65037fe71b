import { envelopeDigest } from '#protocol/envelope.ts';
import type { Refusal } from '#protocol/refusals.ts';
import type { Clock } from '#runtime/clock.ts';
import type { MessageHandler } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import type { Arrival, InboxBound } from '../store/inbox.ts';
import type { Store } from '../store/store.ts';
import { ENVELOPE_MAX_BYTES } from './envelope-limit.ts';
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
};

const BOUND: InboxBound = { items: 20_000, bytes: 2 ** 30, siteBytes: 4 * 2 ** 30 };
const NOTHING: InboxBound = { items: 0, bytes: 0, siteBytes: 0 };
/** Envelopes that one commit makes durable. */
const MAX_BATCH = 64;
/** Envelopes of one gateway in memory before their commit, twice as many as it sends without receipt; more are dropped, and come again: whoever floods takes nobody else's room. */
const MAX_PENDING = 64;
/** Their bytes, and those of all gateways. */
const MAX_PENDING_BYTES = 8 * 2 ** 20;
const MAX_SITE_PENDING_BYTES = 64 * 2 ** 20;
/** Commits begin no sooner one after the other, so that each makes more durable while much comes. */
const PACE_MS = 25;
/** How long it is known what waits of all gateways, as long as it is no more than this share of what may. */
const SITE_KNOWN_MS = 1000;
const SITE_KNOWN_SHARE = 0.9;

const FULL = { full: 'inbox-full', 'site-full': 'site-full' } as const;

const byGateway = (one: Arrival, other: Arrival): number =>
  one.gateway < other.gateway ? -1 : Number(one.gateway > other.gateway);

type Pending = { readonly count: number; readonly bytes: number };

const NONE_PENDING: Pending = { count: 0, bytes: 0 };

type Drops = { count: number; readonly gateways: Set<string> };

/** `blindsight/v1/<site>/<gateway>/camera/<camera>/inference` */
function namesIn(topic: string): { readonly gateway: string; readonly camera: string } | null {
  const levels = topic.split('/');
  const [gateway, camera] = [levels[3], levels[5]];
  return levels.length === 7 && gateway !== undefined && camera !== undefined ? { gateway, camera } : null;
}

/**
 * First station of an envelope: durable in the inbox, then a receipt, whatever the bytes are. Nothing is decoded here, so a receipt
 * says nothing about them.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #pending: Arrival[] = [];
  #pendingBytes = 0;
  readonly #pendingOf = new Map<string, Pending>();
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
    const reason = this.#reasonToDrop(names.gateway, payload, packet.retain);
    if (reason !== null) {
      this.#drop([names.gateway], reason);
    } else {
      const receivedMs = this.#options.clock.now();
      this.#pending.push({ ...names, digest: envelopeDigest(payload), receivedMs, envelope: payload });
      this.#pendingBytes += payload.length;
      const { count, bytes } = this.#pendingOf.get(names.gateway) ?? NONE_PENDING;
      this.#pendingOf.set(names.gateway, { count: count + 1, bytes: bytes + payload.length });
    }
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

  #reasonToDrop(gateway: string, payload: Uint8Array, retained: boolean): Refusal | null {
    if (retained) return 'retained';
    if (payload.length > ENVELOPE_MAX_BYTES) return 'oversized';
    const { count, bytes } = this.#pendingOf.get(gateway) ?? NONE_PENDING;
    const isFull =
      count >= MAX_PENDING ||
      bytes + payload.length > MAX_PENDING_BYTES ||
      this.#pendingBytes + payload.length > MAX_SITE_PENDING_BYTES;
    return isFull ? 'inbox-full' : null;
  }

  #take(): Arrival[] {
    const batch = this.#pending.splice(0, MAX_BATCH);
    for (const { gateway, envelope } of batch) {
      this.#pendingBytes -= envelope.length;
      const { count, bytes } = this.#pendingOf.get(gateway)!;
      if (count > 1) this.#pendingOf.set(gateway, { count: count - 1, bytes: bytes - envelope.length });
      else this.#pendingOf.delete(gateway);
    }
    return batch;
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
    while (this.#pending.length > 0 || this.#drops.size > 0) {
      const earlyMs = this.#committedMs + PACE_MS - clock.monotonic();
      if (earlyMs > 0 && this.#pending.length < MAX_BATCH && this.#waiting === 0) {
        this.#hurry = new AbortController();
        await clock.sleep(earlyMs, this.#hurry.signal).catch(() => {});
      }
      this.#committedMs = clock.monotonic();
      const batch = this.#take();
      try {
        const kept = await this.#keep(batch);
        for (const { gateway, digest } of kept) this.#options.receipts.add(gateway, digest);
        if (kept.length > 0) this.#options.onStored();
        await this.#countDrops();
      } catch (error) {
        // No receipt: the gateways still have these and send them again.
        this.#options.log.error({ err: error, count: batch.length }, 'cannot store what was received');
        // What was dropped is counted with the next arrival that can be.
        if (this.#pending.length === 0) return;
      }
    }
  }

  async #keep(batch: readonly Arrival[]): Promise<Arrival[]> {
    if (batch.length === 0) return [];
    const { store, bound = BOUND, isDiskLow } = this.#options;
    const isLow = (await isDiskLow?.()) ?? false;
    return store.transaction(async (inside) => {
      const kept: Arrival[] = [];
      const site = await this.#siteUsage(inside, bound);
      // In one order, whoever writes about several gateways at once: otherwise PostgreSQL finds transactions that wait for each other.
      for (const arrival of batch.toSorted(byGateway)) {
        // What is already waiting is confirmed even while the disk is nearly full.
        const outcome = await inside.inbox.add(arrival, isLow ? NOTHING : bound, site);
        if (outcome === 'stored') site.siteBytes += arrival.envelope.length;
        if (outcome === 'stored' || outcome === 'present') kept.push(arrival);
        else this.#drop([arrival.gateway], isLow ? 'disk-full' : FULL[outcome]);
      }
      return kept;
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
