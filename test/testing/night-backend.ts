/** The backend of a site as a process of its own, for a test to kill. Its clock is ahead by so many milliseconds. Says its port when it runs. */
import { join } from 'node:path';
import { runBackend } from '#backend/main.ts';
import { loadConfig } from '#config/load.ts';
import { BackendConfig } from '#config/schema.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';

const [, , data = '', url = '', timeZone = '', aheadMs = '0'] = process.argv;
const config = await loadConfig(join(data, 'backend.yaml'), BackendConfig);
const stop = new AbortController();
// It does not outlive the test, whatever ends that.
process.stdin.resume().once('end', () => stop.abort());
const { port } = await runBackend({
  config: {
    ...config,
    timeZone,
    broker: { ...config.broker, url },
    // Nobody would open what is chosen.
    audit: { ...config.audit, share: 0 },
    events: { ...config.events, beginSeconds: 0.2, endSeconds: 0.5 },
  },
  clock: { ...systemClock, now: () => Date.now() + Number(aheadMs) },
  log: createLogger({
    name: 'backend',
    level: 'debug',
    format: 'json',
    destination: { write: (line) => void process.stderr.write(line) },
  }),
  signal: stop.signal,
});
process.stdout.write(`${port}\n`);
