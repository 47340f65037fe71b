import { runAgent } from '#agent/main.ts';
import { createLogger } from '#runtime/log.ts';
import { RecentLines } from '#runtime/recent-lines.ts';

/** The daemon alone in a process, so that a test can kill it. */
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const recent = new RecentLines();
const log = createLogger({ name: 'agent', level: 'info', format: 'json', recent });
await runAgent({
  configFile: process.argv[2]!,
  log,
  recent,
  signal: stop.signal,
  onReload: (reload) => {
    process.on('SIGHUP', reload);
    return () => process.off('SIGHUP', reload);
  },
});
