import { startBroker } from '#broker/main.ts';
import { loadConfig } from '#config/load.ts';
import { BrokerConfig } from '#config/schema.ts';
import { lockData } from '#runtime/data-lock.ts';
import { createLogger } from '#runtime/log.ts';
import { onceThereIsSpace } from '#runtime/once-there-is-space.ts';
import { listens } from '#runtime/probe.ts';
import { refuseRootElsewhere } from '#runtime/wrong-user.ts';
import { serve } from './serve.ts';

/** Runs the embedded broker of a configuration file until `signal` aborts. */
export async function runBrokerDaemon(configFile: string, signal: AbortSignal): Promise<void> {
  const config = await loadConfig(configFile, BrokerConfig);
  refuseRootElsewhere(configFile);
  const log = createLogger({ name: 'broker', ...config.log });
  const unlock = await onceThereIsSpace(() => lockData(config.data, 'broker'), { log, signal });
  if (unlock === null) return;
  try {
    const server = await onceThereIsSpace(() => startBroker({ config, log, signal }), { log, signal });
    if (server === null) return;
    await serve(server, {
      log,
      status: `listening on ${config.host}:${server.port}`,
      probe: () => listens(server.port, config.host),
      signal,
    });
  } finally {
    unlock();
  }
}
