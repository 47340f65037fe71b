import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { LeaseStore } from '../store/leases.ts';
import { DECRYPTOR } from './lease-times.ts';

export type DecryptorWatchOptions = {
  readonly leases: Pick<LeaseStore, 'taken'>;
  readonly clock: Clock;
  readonly log: Logger;
};

const LOOK_MS = 5_000;
/** Longer than a decryptor needs to start. */
const GONE_MS = 60_000;

/** Whether any decryptor lives, for a process that is none. */
export class DecryptorWatch {
  readonly #options: DecryptorWatchOptions;
  /** Null while nobody looks: a process that stands by, or has no page, knows nothing of them. */
  #seenMs: number | null = null;

  constructor(options: DecryptorWatchOptions) {
    this.#options = options;
  }

  /** Nothing is decrypted: none has lived for a minute. */
  get isGone(): boolean {
    return this.#seenMs !== null && this.#options.clock.monotonic() - this.#seenMs > GONE_MS;
  }

  /** Looks until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { leases, clock, log } = this.#options;
    this.#seenMs = clock.monotonic();
    while (!signal.aborted) {
      const wasGone = this.isGone;
      try {
        if ((await leases.taken(DECRYPTOR)).length > 0) this.#seenMs = clock.monotonic();
      } catch (error) {
        log.warn({ err: error }, 'it is not known whether a decryptor lives');
      }
      if (this.isGone && !wasGone) log.error('no decryptor lives: answers wait in the inbox');
      await clock.sleep(LOOK_MS, signal).catch(() => {});
    }
  }
}
