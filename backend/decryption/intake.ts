import { envelopeDigest } from '#protocol/envelope.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link, MessageHandler } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';
import type { InboxBound, InboxItem } from '../store/inbox.ts';
import type { Store } from '../store/store.ts';
import { ENVELOPE_MAX_BYTES } from './check-envelope.ts';
import type { RefusalLog } from './refusal-log.ts';
import type { Refusal } from './refusals.ts';

export type IntakeOptions = {
  readonly store: Store;
  readonly site: string;
  readonly link: Pick<Link, 'publish'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly refusals: RefusalLog;
  /** Called after envelopes became durable. */
  readonly onStored: () => void;
  readonly bound?: InboxBound;
};

const BOUND: InboxBound = { items: 20_000, bytes: 2 ** 30 };
/** Envelopes that one commit makes durable, and one receipt names. */
const MAX_BATCH = 64;
/** Envelopes in memory before their commit; more are dropped without receipt, and come again. */
const MAX_PENDING = 512;

type Arrival = Omit<InboxItem, 'id' | 'attempts'>;

/** `blindsight/v1/<site>/<gateway>/camera/<camera>/inference` */
function namesIn(topic: string): { readonly gateway: string; readonly camera: string } | null {
  const levels = topic.split('/');
  const [gateway, camera] = [levels[3], levels[5]];
  return levels.length === 7 && gateway !== undefined && camera !== undefined ? { gateway, camera } : null;
}

/**
 * First station of an envelope: durable in the inbox, then a receipt, whatever the bytes are. Nothing is decoded here, so a receipt
 * says nothing about them, and its time depends on the disk alone.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #pending: Arrival[] = [];
  #flushing: Promise<void> | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Handler of the inference topics. */
  readonly receive: MessageHandler = (topic, payload, packet) => {
    const names = namesIn(topic);
    if (names === null) return;
    if (packet.retain) return this.#drop(names.gateway, 'retained');
    if (payload.length > ENVELOPE_MAX_BYTES) return this.#drop(names.gateway, 'oversized');
    if (this.#pending.length >= MAX_PENDING) return this.#drop(names.gateway, 'inbox-full');
    this.#pending.push({
      ...names,
      digest: envelopeDigest(payload),
      receivedMs: this.#options.clock.now(),
      envelope: payload,
    });
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
  };

  /** Resolves when everything that was received is durable or dropped. */
  async idle(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
  }

  #drop(gateway: string, reason: Refusal): void {
    const { store, refusals, log } = this.#options;
    Promise.all([store.counters.add(`refused.${reason}`), refusals.add(gateway, reason)]).catch((error) =>
      log.error({ err: error }, 'cannot count a dropped message'),
    );
  }

  async #flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0, MAX_BATCH);
      try {
        await this.#keep(batch);
      } catch (error) {
        // No receipt: the gateways still have these and send them again.
        this.#options.log.error({ err: error, count: batch.length }, 'cannot store what was received');
        for (const { gateway } of batch) this.#drop(gateway, 'inbox-full');
      }
    }
  }

  async #keep(batch: readonly Arrival[]): Promise<void> {
    const { store, bound = BOUND, onStored } = this.#options;
    const kept = await store.transaction(async (inside) => {
      const durable: Arrival[] = [];
      for (const arrival of batch) {
        const outcome = await inside.inbox.add(arrival, bound);
        if (outcome === 'full') this.#drop(arrival.gateway, 'inbox-full');
        else durable.push(arrival);
      }
      return durable;
    });
    this.#receipt(kept);
    if (kept.length > 0) onStored();
  }

  #receipt(kept: readonly Arrival[]): void {
    const { site, link, log } = this.#options;
    for (const [gateway, arrivals] of Map.groupBy(kept, (arrival) => arrival.gateway)) {
      const received = [...new Set(arrivals.map((arrival) => arrival.digest))];
      link
        .publish(gatewayTopics(site, gateway).receipt, JSON.stringify({ received }), { qos: 1 })
        .catch((error: unknown) => {
          // The gateway sends again after the next connect, and gets its receipt then.
          log.debug({ err: error, gateway }, 'a receipt was not sent');
        });
    }
  }
}
