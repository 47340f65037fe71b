import { setFlagsFromString } from 'node:v8';
import { runAgent } from '#agent/main.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import { lockData } from '#runtime/data-lock.ts';
import { createLogger } from '#runtime/log.ts';
import { onceThereIsSpace } from '#runtime/once-there-is-space.ts';
import { RecentLines } from '#runtime/recent-lines.ts';
import { refuseRootElsewhere } from '#runtime/wrong-user.ts';

/**
 * The bytes of pictures count as garbage of a heap that is small beside them, and V8 would mark it with all cores twice a second: a tenth of two cores at 60
 * pictures a second. Without marking ahead it does so every four seconds, for 40 ms.
 */
const COLLECT_SELDOM = '--no-incremental-marking';

/** Runs the gateway daemon of a configuration file until `signal` aborts. SIGHUP lets it read the file again. */
export async function runAgentDaemon(configFile: string, signal: AbortSignal): Promise<void> {
  setFlagsFromString(COLLECT_SELDOM);
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
