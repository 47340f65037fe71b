// Docker HEALTHCHECK: healthy while the agent tells that its pipeline progresses, by touching a file (see systemd's watchdog).
import { statSync } from 'node:fs';

const STALE_MS = 60_000;
const file = process.env.BLINDSIGHT_HEARTBEAT ?? '/tmp/blindsight-heartbeat';
try {
  process.exitCode = Date.now() - statSync(file).mtimeMs < STALE_MS ? 0 : 1;
} catch {
  process.exitCode = 1;
}
