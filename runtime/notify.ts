import { execFile } from 'node:child_process';
import type { Logger } from './log.ts';

/** What a daemon reports to systemd; every call resolves, even if nobody listens. */
export interface Notifier {
  /** How often systemd wants to hear `watchdog`, milliseconds; feed it at half of this at most. Null if it does not watch. */
  readonly watchdogMs: number | null;
  ready(status: string): Promise<void>;
  status(status: string): Promise<void>;
  /** To be called when work has been seen to progress, never from a bare timer. */
  watchdog(): Promise<void>;
  stopping(status: string): Promise<void>;
}

export type NotifierOptions = {
  readonly log: Logger;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly command?: string;
};

const TIMEOUT_MS = 10_000;

/**
 * sd_notify(3) over `$NOTIFY_SOCKET`; does nothing if systemd did not set it.
 *
 * Node has no Unix datagram sockets, so `systemd-notify` sends for us: 12 ms a call, measured, including abstract
 * sockets. Its message carries its own process id unless it runs as root, so a unit needs `NotifyAccess=all`; and it waits
 * for systemd's receipt (BARRIER=1) before it ends, else systemd could no longer tell whose child it was.
 */
export function createNotifier({
  log,
  environment = process.env,
  command = 'systemd-notify',
}: NotifierOptions): Notifier {
  const socket = environment.NOTIFY_SOCKET;
  let last: Promise<void> = Promise.resolve();
  let failed = false;
  let feeding: Promise<void> | null = null;

  /** One after the other, so that systemd sees them in our order. */
  function send(...fields: string[]): Promise<void> {
    if (!socket) return Promise.resolve();
    last = last
      .then(() => run(command, fields, environment))
      .then(
        () => {
          failed = false;
        },
        (error: Error) => {
          if (!failed) log.warn({ err: error }, 'cannot notify systemd; is systemd-notify installed?');
          failed = true;
        },
      );
    return last;
  }

  return {
    watchdogMs: socket ? watchdogMs(environment) : null,
    ready: (status) => send('READY=1', statusField(status)),
    status: (status) => send(statusField(status)),
    watchdog: () => {
      feeding ??= send('WATCHDOG=1').finally(() => {
        feeding = null;
      });
      return feeding;
    },
    stopping: (status) => send('STOPPING=1', statusField(status)),
  };
}

function statusField(status: string): string {
  return `STATUS=${status.replaceAll(/\s+/g, ' ')}`;
}

function watchdogMs(environment: NotifierOptions['environment'] & object): number | null {
  const pid = environment.WATCHDOG_PID;
  if (pid !== undefined && Number(pid) !== process.pid) return null;
  const microseconds = Number(environment.WATCHDOG_USEC);
  return Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : null;
}

function run(
  command: string,
  fields: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(command, fields, { env: { ...environment }, timeout: TIMEOUT_MS }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}
