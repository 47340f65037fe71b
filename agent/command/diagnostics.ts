import { cpus, freemem, loadavg, release, totalmem, uptime } from 'node:os';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { stringify } from 'yaml';
import type { AgentConfig } from '#config/schema.ts';
import { CONTENT_MAX_BYTES } from '#protocol/command-answer.ts';
import { redactLine, redactText } from '#protocol/redact.ts';
import type { Snapshot } from '../metrics/snapshot.ts';
import { collectSecrets, withoutSecrets } from './collect-secrets.ts';
import { folderSizes } from './folder-sizes.ts';
import { newestWithin } from './newest-within.ts';
import { packTar } from './tar.ts';

export type DiagnosticsSource = {
  /** The settings that run. */
  readonly config: AgentConfig;
  readonly snapshot: Snapshot;
  readonly health: object;
  /** Text in the format of Prometheus. */
  readonly metrics: string;
  /** JSON lines, oldest first. */
  readonly lines: readonly string[];
};

const LOG_BYTES = 2 ** 20;
const ERRORS = 200;

const README = (
  gateway: string,
  site: string,
  time: string,
) => `Diagnostics of gateway ${gateway} of site ${site}, made at ${time}.

Passwords, keys and tokens are blanked (***), and there are no pictures and no answers in here: a gateway cannot read those itself.

versions.json    the software, its platform, and what the machine is
settings.yaml    the settings that run: agent.yaml, or what was pushed in its place
cameras.json     each camera: its state, since when, and the last words of its decoder
states.json      the connection, the network (bundle), the pushed settings, the store of waiting answers, pictures since the start
health.json      load, memory, disk, temperature
metrics.txt      the same figures that /metrics shows, with the times that pictures took
disk.json        what lies in the data folder, and how large it is
errors.jsonl     the last warnings and errors of the log
log.jsonl        the last lines of the log, one JSON object each

Where to begin: errors.jsonl from its end; then cameras.json where pictures are missing, states.json where answers do not arrive. Codes such as
LINK_DOWN are explained in docs/errors.md.
`;

/** One archive (.tar.gz) that a supporter can read, without any secret of the gateway. */
export async function packDiagnostics(source: DiagnosticsSource): Promise<Uint8Array> {
  const { config, snapshot, health, lines } = source;
  const { cameras, version, nowMs, ...states } = snapshot;
  const secrets = await collectSecrets(config);
  const clean = (text: string) => withoutSecrets(text, secrets);
  // Redacted as the line that a log would have, which is what the redaction knows.
  const json = (value: unknown) => JSON.stringify(JSON.parse(redactLine(JSON.stringify(value))), null, 2);
  const errors = lines.filter((line) => /"level":"(?:warn|error|fatal)"/.test(line)).slice(-ERRORS);
  const pack = (logBytes: number) => {
    const texts: Record<string, string> = {
      'README.txt': README(config.gateway, config.site, new Date(nowMs).toISOString()),
      'versions.json': json({ version, ...platform() }),
      'settings.yaml': redactText(stringify(withoutQueries(config))),
      'cameras.json': json(cameras),
      'states.json': json(states),
      'health.json': json(health),
      'disk.json': json(sizes),
      'metrics.txt': source.metrics,
      'errors.jsonl': tail(errors, logBytes),
      'log.jsonl': tail(lines, logBytes),
    };
    const folder = `diagnostics-${config.gateway}`;
    const files = Object.entries(texts).map(([name, text]) => ({
      name: `${folder}/${name}`,
      bytes: Buffer.from(clean(text)),
    }));
    return promisify(gzip)(packTar(files, nowMs));
  };
  const sizes = await folderSizes(config.data);
  const whole = await pack(LOG_BYTES);
  return new Uint8Array(whole.length <= CONTENT_MAX_BYTES ? whole : await pack(LOG_BYTES / 8));
}

function platform() {
  const [cpu] = cpus();
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    kernel: release(),
    cpu: { model: cpu?.model ?? 'unknown', count: cpus().length },
    memoryBytes: { total: totalmem(), free: freemem(), process: process.memoryUsage.rss() },
    load: loadavg(),
    machineUptimeSeconds: Math.round(uptime()),
    processUptimeSeconds: Math.round(process.uptime()),
  };
}

/** Some cameras take their password in the query of the address, under names that nobody can list. */
function withoutQueries(config: AgentConfig): AgentConfig {
  const cameras = config.cameras.map((camera) => ({ ...camera, url: camera.url.replace(/\?.*/s, '?***') }));
  return { ...config, cameras };
}

function tail(lines: readonly string[], maxBytes: number): string {
  return newestWithin(lines, maxBytes)
    .map((line) => `${line}\n`)
    .join('');
}
