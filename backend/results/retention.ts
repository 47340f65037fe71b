import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Store } from '../store/store.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type RetentionOptions = {
  readonly store: Store;
  readonly days: number;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Forgets results that are too old, now and each hour until the signal aborts. */
export async function removeOldResults(
  { store, days, clock, log }: RetentionOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const removed = await store.results.removeBefore(Math.floor(clock.now() - days * DAY_MS));
      if (removed > 0) log.info({ removed }, 'old results removed');
    } catch (error) {
      log.warn({ err: error }, 'old results could not be removed; tried again in an hour');
    }
    await clock.sleep(HOUR_MS, signal).catch(() => {});
  }
}
