import { runAuditor } from '#backend/auditor/auditor-process.ts';
import { systemClock } from '#runtime/clock.ts';
import { lockData } from '#runtime/data-lock.ts';
import { ensureDirectory, readSecretFile } from '#runtime/files.ts';
import { createLogger } from '#runtime/log.ts';

export type AuditorDaemonOptions = {
  readonly url: string;
  readonly tokenFile: string;
  readonly data: string;
  /** Megabytes of networks that it keeps. */
  readonly cache: number;
};

/** Runs the auditor until `signal` aborts. */
export async function runAuditorDaemon(options: AuditorDaemonOptions, signal: AbortSignal): Promise<void> {
  const { url, tokenFile, data, cache } = options;
  const token = Buffer.from(await readSecretFile(tokenFile))
    .toString('utf8')
    .trim();
  const log = createLogger({ name: 'auditor', level: 'info', format: 'json' });
  await ensureDirectory(data);
  const unlock = await lockData(data, 'auditor');
  try {
    await runAuditor({ url, token, data, cacheBytes: cache * 2 ** 20, clock: systemClock, log }, signal);
  } finally {
    unlock();
  }
}
