import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { createNotifier } from '#runtime/notify.ts';
import { onceThereIsSpace } from '#runtime/once-there-is-space.ts';
import type { RecentLines } from '#runtime/recent-lines.ts';
import { openTracer } from '#runtime/tracing/open-tracer.ts';
import { LogFile } from './command/log-file.ts';
import { Gateway } from './gateway.ts';
import { runWatchdog } from './health/watchdog.ts';
import { AnswerTraces } from './outbox/answer-traces.ts';
import { runTogether } from './run-together.ts';

export type AgentOptions = ({ readonly config: AgentConfig } | { readonly configFile: string }) & {
  readonly log: Logger;
  /** The newest lines of `log`, for whoever asks from afar. */
  readonly recent?: RecentLines;
  /** Ends the daemon; it says goodbye and leaves nothing behind. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** Registers a callback to reload the configuration file; the returned function removes it. Needs `configFile`. */
  readonly onReload?: (reload: () => void) => () => void;
};

/**
 * The gateway daemon. Runs even without broker, backend, camera, bundle or disk space: each absence is a state with a reason. Resolves
 * when the signal has stopped it.
 *
 * @throws BlindsightError where configuration, keys or data folder are not usable
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { log, recent, clock = systemClock } = options;
  const restarting = new AbortController();
  const signal = AbortSignal.any([options.signal, restarting.signal]);
  const restart = () => {
    refuseUnsupervised();
    restarting.abort();
  };
  const config = 'config' in options ? options.config : await loadConfig(options.configFile, AgentConfig);
  const notifier = createNotifier({ log });
  const { site, gateway: name } = config;
  const service = { name: 'gateway', site, gateway: name } as const;
  const tracer = await openTracer(config.tracing, { service, clock, log });
  const traces = tracer && new AnswerTraces({ tracer, site, gateway: name, clock });
  const gateway = await onceThereIsSpace(
    () => Gateway.open({ config, log, clock, restart, traces, ...(recent && { recent }) }),
    {
      log,
      signal,
      clock,
      notifier,
    },
  );
  if (gateway === null) return;
  const logFile = recent && (await LogFile.open(join(config.data, 'log'), recent));
  // One at a time: an older state of the file must not be applied last.
  let reloading = Promise.resolve();
  const stopReloading = options.onReload?.(() => {
    if (!('configFile' in options)) return;
    reloading = reloading.then(() => reload(gateway, config, options.configFile, log));
  });
  log.info({ site: config.site, gateway: config.gateway, cameras: config.cameras.length }, 'gateway started');
  signal.addEventListener('abort', () => void notifier.stopping('stopping'), { once: true });
  await notifier.ready(gateway.status);
  const watch = { notifier, clock, log, stuckMs: () => gateway.stuckMs, status: () => gateway.status };
  try {
    await runTogether(signal, [(ending) => gateway.run(ending), (ending) => runWatchdog(watch, ending)]);
  } finally {
    stopReloading?.();
    await tracer?.close();
    logFile?.flush();
  }
  log.info('gateway stopped');
  logFile?.close();
}

/** An invalid file changes nothing; settings that need a restart are reported. */
async function reload(gateway: Gateway, started: AgentConfig, file: string, log: Logger): Promise<void> {
  try {
    const config = await loadConfig(file, AgentConfig);
    const fixed = (['site', 'gateway', 'data', 'broker', 'identity', 'tracing'] as const).filter(
      (setting) => !isDeepStrictEqual(config[setting], started[setting]),
    );
    if (fixed.length > 0)
      log.warn(`${file}: ${fixed.join(', ')} changed, which counts from the next start on`);
    await gateway.reload({ ...config, ...pick(started) });
    log.info(`${file} was read again`);
  } catch (error) {
    log.error({ err: error }, `${file} was read again, and changes nothing`);
  }
}

/** A daemon that a person started in a terminal would end, and nobody would start it again. */
function refuseUnsupervised(): void {
  if (process.stdin.isTTY)
    throw new BlindsightError(
      'COMMAND_FAILED',
      'the gateway runs in a terminal, where nothing would start it again; restart it there',
    );
}

function pick({ site, gateway, data, broker, identity, tracing }: AgentConfig) {
  return { site, gateway, data, broker, identity, tracing };
}
