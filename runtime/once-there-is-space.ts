import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from './clock.ts';
import { isDiskFull } from './disk-full.ts';
import type { Logger } from './log.ts';
import { createNotifier, type Notifier } from './notify.ts';

export type SpaceOptions = {
  readonly log: Logger;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  readonly clock?: Pick<Clock, 'sleep'>;
  readonly notifier?: Notifier;
};

const RETRY_MS = 5_000;

/**
 * Starts what needs the disk. While the disk is full, a daemon waits for space, says so once in the log and to systemd, and then continues: exiting
 * would be the same wait, with a restart and its log lines every two seconds.
 *
 * @returns what was started, or null if the signal ended the wait
 * @throws what `start` throws for any other reason
 */
export async function onceThereIsSpace<T>(
  start: () => T | Promise<T>,
  { log, signal, clock = systemClock, notifier = createNotifier({ log }) }: SpaceOptions,
): Promise<T | null> {
  let isWaiting = false;
  while (!signal.aborted) {
    try {
      const started = await start();
      if (isWaiting) log.info({ code: 'DISK_FULL' }, 'there is space on the disk again; starting');
      return started;
    } catch (error) {
      const isFull = error instanceof BlindsightError ? error.code === 'DISK_FULL' : isDiskFull(error);
      if (!isFull) throw error;
      const { message } = error as Error;
      if (!isWaiting) {
        log.error({ code: 'DISK_FULL' }, `${message}; starting once there is space`);
        await notifier.ready(`waiting for space: ${message}`);
      }
      isWaiting = true;
    }
    await notifier.watchdog();
    await clock.sleep(RETRY_MS, signal).catch(() => {});
  }
  return null;
}
