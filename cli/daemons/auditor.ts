import { AUDITOR_STEP_MS, runAuditor } from '#backend/auditor/auditor-process.ts';
import { systemClock } from '#runtime/clock.ts';
import { lockData } from '#runtime/data-lock.ts';
import { ensureDirectory, readSecretFile } from '#runtime/files.ts';
import { createLogger } from '#runtime/log.ts';
import { serve } from './serve.ts';

export type AuditorDaemonOptions = {
  readonly url: string;
  readonly tokenFile: string;
  readonly data: string;
  /** Megabytes of networks that it keeps. */
  readonly cache: number;
};

/** Runs the auditor until `signal` aborts. @throws BlindsightError as `runAuditor` */
export async function runAuditorDaemon(settings: AuditorDaemonOptions, signal: AbortSignal): Promise<void> {
  const { url, tokenFile, data, cache } = settings;
  const token = Buffer.from(await readSecretFile(tokenFile))
    .toString('utf8')
    .trim();
  const log = createLogger({ name: 'auditor', level: 'info', format: 'json' });
  await ensureDirectory(data);
  const unlock = await lockData(data, 'auditor');
  try {
    let steppedMs = systemClock.monotonic();
    const onStep = () => {
      steppedMs = systemClock.monotonic();
    };
    const over = new AbortController();
    const options = { url, token, data, cacheBytes: cache * 2 ** 20, clock: systemClock, log, onStep };
    const work = runAuditor(options, signal).finally(() => over.abort());
    // What ended it is told when it is closed.
    work.catch(() => {});
    await serve(
      { close: () => work },
      {
        log,
        status: `auditing for ${url}`,
        probe: async () => systemClock.monotonic() - steppedMs < AUDITOR_STEP_MS,
        signal: AbortSignal.any([signal, over.signal]),
      },
    );
  } finally {
    unlock();
  }
}
