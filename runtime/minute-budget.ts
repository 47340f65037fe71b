import type { Clock } from './clock.ts';

const ENTRIES_A_MINUTE = 30;

/**
 * How much one party may make us write or do in a minute; thirty entries of a log or journal where nothing else is said. A flood in a log or a journal would displace the entries of others. For
 * small sets of keys, such as enrolled gateways; see {@link RareLines} for others.
 */
export class MinuteBudget {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #used = new Map<string, { minute: number; entries: number }>();

  readonly #perMinute: number;

  constructor(clock: Pick<Clock, 'monotonic'>, perMinute = ENTRIES_A_MINUTE) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** Takes one entry of the current minute. @returns false if all of them are used. */
  take(key: string): boolean {
    const minute = Math.floor(this.#clock.monotonic() / 60_000);
    const before = this.#used.get(key);
    const entries = before?.minute === minute ? before.entries : 0;
    if (entries >= this.#perMinute) return false;
    this.#used.set(key, { minute, entries: entries + 1 });
    return true;
  }
}
