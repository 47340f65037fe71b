import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';

export type EveryOptions = {
  /** Milliseconds between two times; a function is asked for each. */
  readonly ms: number | (() => number);
  /** Aborts where the next time is to come at once; asked for each. */
  readonly anew: () => AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Does something at once and in intervals until the signal ends it. A time that fails is logged. */
export async function every(
  { ms, anew, clock, log }: EveryOptions,
  signal: AbortSignal,
  act: () => unknown,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await act();
    } catch (error) {
      log.warn({ err: error }, 'a report failed');
    }
    await clock.sleep(typeof ms === 'number' ? ms : ms(), AbortSignal.any([signal, anew()])).catch(() => {});
  }
}
