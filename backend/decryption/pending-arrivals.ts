import type { Arrival as InboxArrival } from '../store/inbox.ts';

/** Of which the digest is not known yet: what is dropped needs none. */
type Arrival = Omit<InboxArrival, 'digest'>;

/** Envelopes that one commit makes durable. */
const MAX_BATCH = 64;
/** Of one gateway: with a commit each 25 ms it may still send its window of 32 for each of its receipts. */
const MAX_SHARE = 16;
/** Envelopes of one gateway in memory before their commit, twice as many as it sends without receipt. */
const MAX_PENDING = 64;
/** Their bytes, and those of all gateways. */
const MAX_PENDING_BYTES = 8 * 2 ** 20;
const MAX_SITE_PENDING_BYTES = 64 * 2 ** 20;

type Queue = { readonly arrivals: Arrival[]; bytes: number };

/** Envelopes that have arrived and are not on the disk yet, by gateway: whoever floods takes nobody else's room, and nobody else's place in a commit. */
export class PendingArrivals {
  /** In the order of their turns. */
  readonly #queues = new Map<string, Queue>();
  #size = 0;
  #bytes = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether the next batch would not be larger later. */
  get isBatch(): boolean {
    let count = 0;
    for (const { arrivals } of this.#queues.values()) {
      count += Math.min(arrivals.length, MAX_SHARE);
      if (count >= MAX_BATCH) return true;
    }
    return false;
  }

  /** @returns false where there is no room for it */
  add(arrival: Arrival): boolean {
    const { gateway, envelope } = arrival;
    const queue = this.#queues.get(gateway) ?? { arrivals: [], bytes: 0 };
    const isFull =
      queue.arrivals.length >= MAX_PENDING ||
      queue.bytes + envelope.length > MAX_PENDING_BYTES ||
      this.#bytes + envelope.length > MAX_SITE_PENDING_BYTES;
    if (isFull) return false;
    queue.arrivals.push(arrival);
    queue.bytes += envelope.length;
    this.#queues.set(gateway, queue);
    this.#size += 1;
    this.#bytes += envelope.length;
    return true;
  }

  /** Takes out a batch: some of each gateway, of those first that had no turn for longest. */
  take(): Arrival[] {
    const batch: Arrival[] = [];
    for (const [gateway, queue] of [...this.#queues]) {
      if (batch.length >= MAX_BATCH) break;
      const taken = queue.arrivals.splice(0, Math.min(MAX_SHARE, MAX_BATCH - batch.length));
      batch.push(...taken);
      const bytes = taken.reduce((sum, { envelope }) => sum + envelope.length, 0);
      queue.bytes -= bytes;
      this.#bytes -= bytes;
      this.#size -= taken.length;
      this.#queues.delete(gateway);
      if (queue.arrivals.length > 0) this.#queues.set(gateway, queue);
    }
    return batch;
  }
}
