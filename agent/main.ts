import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { createNotifier } from '#runtime/notify.ts';
import { onceThereIsSpace } from '#runtime/once-there-is-space.ts';
import { Gateway } from './gateway.ts';
import { runWatchdog } from './health/watchdog.ts';
import { runTogether } from './run-together.ts';

export type AgentOptions = ({ readonly config: AgentConfig } | { readonly configFile: string }) & {
  readonly log: Logger;
  /** Ends the daemon; it says goodbye and leaves nothing behind. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
};

/**
 * The gateway daemon. Runs without broker, backend, camera, bundle and room on its disk: each absence is a state with a reason. Resolves
 * when the signal has ended it.
 *
 * @throws BlindsightError where configuration, keys or data folder are not usable
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { log, signal, clock = systemClock } = options;
  const config = 'config' in options ? options.config : await loadConfig(options.configFile, AgentConfig);
  const notifier = createNotifier({ log });
  const gateway = await onceThereIsSpace(() => Gateway.open({ config, log, clock }), {
    log,
    signal,
    clock,
    notifier,
  });
  if (gateway === null) return;
  log.info({ site: config.site, gateway: config.gateway, cameras: config.cameras.length }, 'gateway started');
  signal.addEventListener('abort', () => void notifier.stopping('stopping'), { once: true });
  await notifier.ready(gateway.status);
  const watch = { notifier, clock, log, stuckMs: () => gateway.stuckMs, status: () => gateway.status };
  await runTogether(signal, [(ending) => gateway.run(ending), (ending) => runWatchdog(watch, ending)]);
  log.info('gateway stopped');
}
