import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Store } from '../store/store.ts';
import type { StreamQueue } from './stream-queue.ts';

export type SetAsideOptions = {
  readonly store: Pick<Store, 'transaction'>;
  readonly queue: Pick<StreamQueue, 'troubled'>;
  readonly clock: Clock;
  readonly log: Logger;
};

const LOOK_MS = 10_000;
/** Of all gateways, at most: what is beyond that stays in the stream. */
const MOST = 20_000;

/**
 * Brings into the database what waits in the stream for something that is the site's, such as a key that is damaged: it has its receipt then, and does not keep the place of others in
 * the window of its gateway.
 */
export async function setAside(
  { store, queue, clock, log }: SetAsideOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, signal).catch(() => {});
    const ids = queue.troubled();
    if (ids.length === 0) continue;
    try {
      await store.transaction(({ inbox }) => inbox.setAside(ids, MOST));
    } catch (error) {
      log.warn({ err: error, count: ids.length }, 'what waits for something of the site stays in the queue');
    }
  }
}
