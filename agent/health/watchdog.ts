import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Notifier } from '#runtime/notify.ts';

export type WatchdogOptions = {
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly log: Logger;
  /** For how many milliseconds pending work has not been done; 0 while there is none. */
  readonly stuckMs: () => number;
  /** One line for `systemctl status`. */
  readonly status: () => string;
  /** Beyond this the watchdog is no longer fed, in milliseconds. */
  readonly patienceMs?: number;
};

/** Longer than an interpreter may take without progress. */
const PATIENCE_MS = 360_000;
const STATUS_MS = 10_000;

/**
 * Feeds systemd's watchdog while the pipeline makes progress, or has a good reason not to: no bundle, no streaming camera. A
 * hanging pipeline starves it, and systemd restarts the daemon.
 */
export async function runWatchdog(options: WatchdogOptions, signal: AbortSignal): Promise<void> {
  const { notifier, clock, log, stuckMs, status, patienceMs = PATIENCE_MS } = options;
  const intervalMs = Math.min(STATUS_MS, (notifier.watchdogMs ?? Number.POSITIVE_INFINITY) / 3);
  let said = '';
  while (!signal.aborted) {
    if (stuckMs() <= patienceMs) await notifier.watchdog();
    else log.error({ stuckMs: Math.round(stuckMs()) }, 'the pipeline is stuck; the watchdog is not fed');
    const line = status();
    if (line !== said) await notifier.status(line);
    said = line;
    await clock.sleep(intervalMs, signal).catch(() => {});
  }
}
