import { gatewayTopics } from '#protocol/topics.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Link } from '#runtime/link.ts';
import type { Logger } from '#runtime/log.ts';

/**
 * Receipts leave at fixed times, so that a gateway cannot tell from them how busy the backend is with its messages: otherwise the result of a
 * decryption would show in milliseconds.
 */
const GRID_MS = 50;
const MAX_DIGESTS = 256;

export type ReceiptSenderOptions = {
  readonly site: string;
  readonly link: Pick<Link, 'publish'>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Tells gateways which envelopes are durable here. A receipt that is lost is made up for when the gateway sends again. */
export class ReceiptSender {
  readonly #options: ReceiptSenderOptions;
  readonly #waiting = new Map<string, Set<string>>();
  #timer: AbortController | null = null;

  constructor(options: ReceiptSenderOptions) {
    this.#options = options;
  }

  add(gateway: string, digest: string): void {
    const digests = this.#waiting.get(gateway) ?? new Set();
    digests.add(digest);
    this.#waiting.set(gateway, digests);
    if (this.#timer === null) this.#schedule();
  }

  #schedule(): void {
    const { clock } = this.#options;
    const timer = new AbortController();
    this.#timer = timer;
    clock.sleep(GRID_MS - (clock.monotonic() % GRID_MS), timer.signal).then(
      () => this.flush(),
      // Flushed meanwhile.
      () => {},
    );
  }

  /** Sends what waits, now. */
  flush(): void {
    this.#timer?.abort();
    this.#timer = null;
    const { site, link, log } = this.#options;
    for (const [gateway, digests] of this.#waiting) {
      const all = [...digests];
      for (let from = 0; from < all.length; from += MAX_DIGESTS) {
        const received = all.slice(from, from + MAX_DIGESTS);
        link
          .publish(gatewayTopics(site, gateway).receipt, JSON.stringify({ received }), { qos: 0 })
          .catch((error: unknown) => log.debug({ err: error, gateway }, 'a receipt was not sent'));
      }
    }
    this.#waiting.clear();
  }
}
