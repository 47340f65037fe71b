import { runAgent } from '#agent/main.ts';
import { createLogger } from '#runtime/log.ts';

/** The daemon alone in a process, so that a test can kill it. */
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const log = createLogger({ name: 'agent', level: 'info', format: 'json' });
await runAgent({
  configFile: process.argv[2]!,
  log,
  signal: stop.signal,
  onReload: (reload) => {
    process.on('SIGHUP', reload);
    return () => process.off('SIGHUP', reload);
  },
});
