/**
 * Takes the broker away until many answers wait on a gateway, brings it back, and says how soon the present is on the page and the backlog is through: a site in a
 * temporary folder, its daemons as processes of their own, `counter` and one camera. Most of what waits is made by the gateway in an earlier absence, and copied:
 * signed by it under numbers and times of its own.
 *
 *     node bench/absence.ts [--answers 8000] [--rate 5] [--record FILE]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { entryFile, parseEntryFile } from '#agent/outbox/entry.ts';
import { RtspServer } from '#agent/testing/rtsp-server.ts';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { withSite } from '#backend/site-folder.ts';
import type { SiteState } from '#protocol/api.ts';
import { decodeEnvelope, encodeEnvelope, envelopeDigest } from '#protocol/envelope.ts';
import { currentCommit, describeMachine } from './machine.ts';
import { lookAround, tellMeasurement } from './record.ts';

const CLI = join(import.meta.dirname, '..', 'cli', 'main.ts');
const ENVELOPE_BYTES = 2 ** 24;
const LOOK_MS = 50;

const { values: options } = parseArgs({
  options: {
    answers: { type: 'string', default: '8000' },
    rate: { type: 'string', default: '5' },
    record: { type: 'string' },
  },
});
const [answers, rate] = [Number(options.answers), Number(options.rate)];
if (!Number.isInteger(answers) || answers < 1)
  throw new Error(`--answers ${options.answers}: expected a number`);
if (!(rate > 0 && rate <= 20))
  throw new Error(`--rate ${options.rate}: expected pictures a second, up to 20`);

const circumstances = await lookAround(['..']);
const folder = await mkdtemp(join(tmpdir(), 'blindsight-absence-'));
const [data, gateway] = [join(folder, 'site'), join(folder, 'gate')];
const outbox = join(gateway, 'data', 'outbox');
const daemons = new Set<ChildProcess>();

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

function start(daemon: 'broker' | 'backend' | 'agent', config: string): ChildProcess {
  const child = spawn(process.execPath, [CLI, daemon, '--config', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  daemons.add(child);
  child.once('exit', () => daemons.delete(child));
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (!daemons.has(child)) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function until<T>(what: string, look: () => Promise<T | null | false>): Promise<T> {
  for (let tries = 0; tries < 40_000; tries++) {
    const found = await look();
    if (found !== null && found !== false) return found;
    await sleep(LOOK_MS);
  }
  throw new Error(`waited in vain for ${what}`);
}

const waiting = async () =>
  (await readdir(outbox).catch(() => [])).flatMap((name) => parseEntryFile(name) ?? []);

/** Fills the outbox of a gateway that does not run, from one of its own answers. */
async function fill(): Promise<void> {
  const known = await waiting();
  const last = known.at(-1)!;
  const signingKey = createPrivateKey(await readFile(join(gateway, 'signing.key')));
  const { envelope } = decodeEnvelope(await readFile(join(outbox, entryFile(last))), ENVELOPE_BYTES);
  const missing = answers - known.length;
  const startMs = Date.now() - (missing * 1000) / rate;
  for (let i = 1; i <= missing; i++) {
    const frameTimeMs = Math.round(startMs + (i * 1000) / rate);
    const sequence = last.sequence + i;
    const copy = { ...envelope, sequence, frameTimeMs, readyTimeMs: frameTimeMs + 50 };
    const wire = encodeEnvelope(copy, signingKey);
    await writeFile(join(outbox, entryFile({ ...last, sequence, digest: envelopeDigest(wire) })), wire);
  }
}

const camera = await RtspServer.start();
try {
  const [brokerPort, apiPort] = [await freePort(), await freePort()];
  const brokerUrl = `mqtts://localhost:${brokerPort}`;
  const ports = { brokerPort, apiPort };
  const { configFile: backendConfig, brokerConfigFile } = await initializeSite(data, 'bench', ports);
  // The copies have no openings.
  await appendFile(backendConfig, 'audit: { share: 0 }\n');
  await withSite(data, async (site) => {
    await protectModel({ site, network: 'counter' });
    await enrolGateway({ site, name: 'gate', outDirectory: gateway, brokerUrl });
    await deployModel({ site, model: 'counter', gateway: 'gate' });
  });
  const agentConfig = join(gateway, 'agent.yaml');
  const enrolled = await readFile(agentConfig, 'utf8');
  const cameras = `cameras: [{ name: door, url: "rtsp://127.0.0.1:${camera.port}/live", rate: ${rate} }]`;
  await writeFile(agentConfig, `${enrolled.replace('cameras: []', cameras)}outbox: { maxMegabytes: 4096 }\n`);

  const state = async () => {
    const response = await fetch(`http://127.0.0.1:${apiPort}/api/state`);
    return (await response.json()) as SiteState;
  };
  const newest = async () => {
    const { cameras } = await state();
    return Date.parse(cameras.find((one) => one.camera === 'door')?.result?.frameTime ?? '') || 0;
  };
  start('backend', backendConfig);
  const broker = start('broker', brokerConfigFile);
  const agent = start('agent', agentConfig);
  await until('a first answer', async () => (await newest().catch(() => 0)) > 0);
  await stop(broker);
  await until('an answer that waits', async () => (await waiting()).length > 0);
  await stop(agent);
  await fill();
  start('agent', agentConfig);
  const { session } = (await waiting()).at(-1)!;
  await until('answers of the gateway that was started again', async () =>
    (await waiting()).some((entry) => entry.session > session),
  );
  const backlog = (await waiting()).length;

  start('broker', brokerConfigFile);
  const upMs = await until('the broker', async () => (await accepts(brokerPort)) && Date.now());
  const backMs = await until('the gateway', async () => {
    const { gateways } = await state();
    const isBack = gateways.some(({ state, since }) => state === 'online' && Date.parse(since ?? '') >= upMs);
    return isBack && Date.now();
  });
  const presentMs = await until(
    'an answer about the present',
    async () => (await newest()) > backMs && Date.now(),
  );
  const sentMs = await until(
    'the end of the outbox',
    async () => (await waiting()).every((entry) => entry.session > session) && Date.now(),
  );
  const throughMs = await until('the end of the inbox', async () => {
    const response = await fetch(`http://127.0.0.1:${apiPort}/metrics`);
    return /^blindsight_inbox_waiting 0$/m.test(await response.text()) && Date.now();
  });
  const { counters } = await state();
  const report = {
    ...{ machine: describeMachine(), commit: await currentCommit() },
    ...{ network: 'counter', rate, backlog },
    // From when the broker took connections again: a gateway asks for it at longer and longer intervals.
    gatewaySeconds: (backMs - upMs) / 1000,
    // From when the gateway was there again.
    presentSeconds: (presentMs - backMs) / 1000,
    // The backend has, and has decrypted, all that waited.
    sentSeconds: (sentMs - backMs) / 1000,
    throughSeconds: (throughMs - backMs) / 1000,
    counters,
  };
  await tellMeasurement(report, circumstances, options.record);
} finally {
  await Promise.all([...daemons].map((child) => stop(child)));
  await camera.stop();
  await rm(folder, { recursive: true });
}
