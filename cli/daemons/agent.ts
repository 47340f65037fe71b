import { runAgent } from '#agent/main.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import { lockData } from '#runtime/data-lock.ts';
import { createLogger } from '#runtime/log.ts';
import { onceThereIsSpace } from '#runtime/once-there-is-space.ts';
import { RecentLines } from '#runtime/recent-lines.ts';
import { refuseRootElsewhere } from '#runtime/wrong-user.ts';

/** Runs the gateway daemon of a configuration file until `signal` aborts. SIGHUP lets it read the file again. */
export async function runAgentDaemon(configFile: string, signal: AbortSignal): Promise<void> {
  const config = await loadConfig(configFile, AgentConfig);
  refuseRootElsewhere(configFile);
  const recent = new RecentLines();
  const log = createLogger({ name: 'agent', ...config.log, recent });
  const unlock = await onceThereIsSpace(() => lockData(config.data, 'agent'), { log, signal });
  if (unlock === null) return;
  try {
    await runAgent({ configFile, log, recent, signal, onReload });
  } finally {
    unlock();
  }
}

function onReload(reload: () => void): () => void {
  process.on('SIGHUP', reload);
  return () => process.off('SIGHUP', reload);
}
