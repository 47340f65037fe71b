import { dirname } from 'node:path';
import { runBackend } from '#backend/main.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { lockData } from '#runtime/data-lock.ts';
import { createLogger } from '#runtime/log.ts';
import { onceThereIsSpace } from '#runtime/once-there-is-space.ts';
import { isAlive } from '#runtime/probe.ts';
import { refuseRootElsewhere } from '#runtime/wrong-user.ts';
import { commandLine } from '../command-line.ts';
import { serve } from './serve.ts';

/** Runs the backend daemon of a configuration file until `signal` aborts. */
export async function runBackendDaemon(configFile: string, signal: AbortSignal): Promise<void> {
  const config = await loadConfig(configFile, BackendConfig);
  refuseRootElsewhere(configFile);
  const log = createLogger({ name: 'backend', ...config.log });
  const unlock = await onceThereIsSpace(() => lockData(config.data, 'backend'), { log, signal });
  if (unlock === null) return;
  try {
    const options = { config, log, signal, commandLine: commandLine(dirname(configFile)) };
    const server = await onceThereIsSpace(() => runBackend(options), { log, signal });
    if (server === null) return;
    await serve(server, {
      log,
      status: `listening on ${config.api.host}:${server.port}`,
      probe: () => isAlive(config.api.host, server.port),
      signal,
    });
  } finally {
    unlock();
  }
}
