import type { Clock } from '#runtime/clock.ts';
import type { ConfigurationRecord } from '../store/configurations.ts';
import type { Store } from '../store/store.ts';

export type AwaitOptions = {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onStatus: (record: ConfigurationRecord, waitedMs: number) => void;
};

const POLL_MS = 250;

/**
 * Waits until a gateway has told what became of a version. Looks into the store, which the running backend writes.
 *
 * @returns the version as it is then; still `pending` or `received` where the time is over
 * @throws AbortError
 */
export async function awaitConfiguration(
  store: Store,
  { gateway, version }: Pick<ConfigurationRecord, 'gateway' | 'version'>,
  { timeoutMs, clock, signal, onStatus }: AwaitOptions,
): Promise<ConfigurationRecord> {
  const begin = clock.monotonic();
  for (;;) {
    const record = (await store.configurations.get(gateway, version))!;
    const waitedMs = clock.monotonic() - begin;
    onStatus(record, waitedMs);
    const isOpen = record.status === 'pending' || record.status === 'received';
    if (!isOpen || waitedMs >= timeoutMs) return record;
    await clock.sleep(Math.min(POLL_MS, timeoutMs - waitedMs), signal);
  }
}
