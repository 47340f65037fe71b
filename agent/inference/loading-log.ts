import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';

/** Between two lines, in milliseconds; what is loaded sooner needs none. */
const EVERY_MS = 5_000;

/**
 * Says in the log how far a network is loaded, and how long it will take.
 *
 * @returns to be called with the share that is loaded, 0 to 1
 */
export function loadingLog(network: string, clock: Clock, log: Logger): (share: number) => void {
  const start = clock.monotonic();
  let told = start;
  return (share) => {
    const now = clock.monotonic();
    if (now - told < EVERY_MS || share <= 0) return;
    told = now;
    const secondsLeft = Math.round(((now - start) * (1 - share)) / share / 1_000);
    log.info({ network, percent: Math.round(100 * share), secondsLeft }, 'loading a network');
  };
}
