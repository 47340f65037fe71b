import { dirname } from 'node:path';
import { runBackend } from '#backend/main.ts';
import { ALL_ROLES, type BackendRole, rolesOf } from '#backend/roles/backend-roles.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import type { BlindsightError } from '#protocol/errors.ts';
import { type LockRole, lockData } from '#runtime/data-lock.ts';
import { createLogger } from '#runtime/log.ts';
import { createNotifier } from '#runtime/notify.ts';
import { onceThereIsSpace } from '#runtime/once-there-is-space.ts';
import { isAlive } from '#runtime/probe.ts';
import { refuseRootElsewhere } from '#runtime/wrong-user.ts';
import { commandLine } from '../command-line.ts';
import { serve } from './serve.ts';

/**
 * Runs the backend daemon of a configuration file until `signal` aborts.
 *
 * @param named what of it; none for everything
 */
export async function runBackendDaemon(
  configFile: string,
  named: readonly BackendRole[],
  signal: AbortSignal,
): Promise<void> {
  const config = await loadConfig(configFile, BackendConfig);
  const roles = rolesOf(named, config.store.kind, config.audit.auditor);
  refuseRootElsewhere(configFile);
  const log = createLogger({
    name: roles.size === ALL_ROLES.size ? 'backend' : [...roles].join('-'),
    ...config.log,
  });
  const unlock = await onceThereIsSpace(() => lockFolder(config, roles), { log, signal });
  if (unlock === null) return;
  try {
    const options = { config, log, signal, roles, commandLine: commandLine(dirname(configFile)) };
    const standby = onStandby(log);
    const onTakenOver = (error: BlindsightError) => {
      log.fatal({ code: error.code }, error.message);
      // Whatever it would say in parting, the other one has said better.
      process.exit(1);
    };
    const server = await onceThereIsSpace(() => runBackend({ ...options, onStandby: standby, onTakenOver }), {
      log,
      signal,
    }).catch((error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    });
    if (server === null) return;
    const { host } = config.api;
    const hasPage = roles.has('api');
    await serve(server, {
      log,
      status: hasPage ? `listening on ${host}:${server.port}` : [...roles].join(', '),
      probe: () => (hasPage ? isAlive(host, server.port) : Promise.resolve(!server.isStuck())),
      signal,
    });
  } finally {
    unlock();
  }
}

/** On SQLite one process has the folder. On PostgreSQL several may: what one of them has at a time it has from the store, wherever it runs. */
function lockFolder({ data, store }: BackendConfig, roles: ReadonlySet<BackendRole>): () => void {
  const role: LockRole | null = store.kind === 'sqlite' || roles.size === ALL_ROLES.size ? 'backend' : null;
  return role === null ? () => {} : lockData(data, role);
}

/** A process that stands by is started, for systemd, and goes on being alive. */
function onStandby(log: ReturnType<typeof createLogger>): () => void {
  const notifier = createNotifier({ log });
  let isReady = false;
  return () => {
    if (isReady) void notifier.watchdog();
    else void notifier.ready('standing by: another process has this role');
    isReady = true;
  };
}
