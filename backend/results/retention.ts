import { statfs } from 'node:fs/promises';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Store } from '../store/store.ts';

const INTERVAL_MS = 600_000;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MEGABYTE = 2 ** 20;

export type RetentionOptions = {
  readonly store: Pick<Store, 'results'>;
  readonly days: number;
  /** What results may take; null for half of the disk. */
  readonly megabytes: number | null;
  /** On whose disk they are; null where that is unknown, and half of it is no bound. */
  readonly folder: string | null;
  /** Answers may be this old when they come: what is forgotten sooner cannot be filled in any more. */
  readonly lateHours: number;
  readonly clock: Clock;
  readonly log: Logger;
};

async function bound({ megabytes, folder }: RetentionOptions): Promise<number> {
  if (megabytes !== null) return megabytes * MEGABYTE;
  if (folder === null) return Number.POSITIVE_INFINITY;
  const { blocks, bsize } = await statfs(folder);
  return (blocks * bsize) / 2;
}

/** Forgets results that are too old or too many, now and every ten minutes until the signal aborts. */
export async function removeOldResults(options: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  while (!signal.aborted) {
    await removeOnce(options, signal).catch((error: unknown) =>
      log.warn({ err: error }, 'old results could not be removed; tried again in ten minutes'),
    );
    await clock.sleep(INTERVAL_MS, signal).catch(() => {});
  }
}

async function removeOnce(options: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { days, lateHours, clock, log } = options;
  const { results } = options.store;
  await results.prepare(clock.now());
  const old = await results.removeBefore(Math.floor(clock.now() - days * DAY_MS));
  if (old > 0) log.info({ removed: old }, 'old results removed');
  const bytes = await bound(options);
  const { removed, untilMs } = await results.removeBeyond(bytes, signal);
  if (untilMs !== null && removed > 0) {
    const keptHours = (clock.now() - untilMs) / HOUR_MS;
    const told = { removed, keptHours: Number(keptHours.toFixed(1)) };
    const message = `results would take more than ${Math.round(bytes / MEGABYTE)} MB (resultsMegabytes): the oldest are removed`;
    // What a late answer would fill is below the floors by then.
    if (keptHours < lateHours)
      log.warn(told, `${message}, and answers that come later than those that stay are refused`);
    else log.info(told, message);
  }
  await results.releaseSpace(signal);
}
