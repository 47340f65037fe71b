import { once } from 'node:events';
import type { Logger } from '#runtime/log.ts';
import { createNotifier } from '#runtime/notify.ts';

export type ServeOptions = {
  readonly log: Logger;
  /** Status for systemd once the server is ready, for example "listening on 8883". */
  readonly status: string;
  /** Whether the server still serves, probed as a client would; feeds the systemd watchdog. */
  readonly probe: () => Promise<boolean>;
  readonly signal: AbortSignal;
};

/** Keeps a started server running until `signal` aborts, reports its state to systemd, and closes it. */
export async function serve(server: { close(): Promise<void> }, options: ServeOptions): Promise<void> {
  const { log, status, probe, signal } = options;
  const notifier = createNotifier({ log });
  await notifier.ready(status);
  const { watchdogMs } = notifier;
  const feeding =
    watchdogMs === null
      ? null
      : setInterval(async () => {
          if (await probe()) await notifier.watchdog();
          else log.warn('the server does not answer; systemd gets no watchdog notification');
        }, watchdogMs / 3);
  if (!signal.aborted) await once(signal, 'abort');
  if (feeding !== null) clearInterval(feeding);
  await notifier.stopping('closing');
  await server.close();
}
