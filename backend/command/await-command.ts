import type { Clock } from '#runtime/clock.ts';
import type { CommandRecord } from '../store/commands.ts';
import type { Store } from '../store/store.ts';

export type AwaitOptions = {
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

const POLL_MS = 250;

/**
 * Waits for the answer to a command. Looks into the store, which the running backend writes.
 *
 * @returns the command as it is then; still `pending` where the time is over
 * @throws AbortError
 */
export async function awaitCommand(
  store: Store,
  { gateway, id }: Pick<CommandRecord, 'gateway' | 'id'>,
  { timeoutMs, clock, signal }: AwaitOptions,
): Promise<CommandRecord> {
  const begin = clock.monotonic();
  for (;;) {
    const record = (await store.commands.get(gateway, id))!;
    const waitedMs = clock.monotonic() - begin;
    if (record.status === 'done' || record.status === 'failed' || waitedMs >= timeoutMs) return record;
    await clock.sleep(Math.min(POLL_MS, timeoutMs - waitedMs), signal);
  }
}
