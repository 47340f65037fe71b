import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import { runBackend } from '#backend/main.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { keepNetwork } from '#backend/protection/keep-network.ts';
import { openSite } from '#backend/site.ts';
import { makeTinyNetwork, type TinyNetwork } from '#backend/testing/tiny-network.ts';
import { startBroker } from '#broker/main.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig, BackendConfig, BrokerConfig } from '#config/schema.ts';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { SeededRandom } from '#network/model/random.ts';
import { graphOf, node, randomTensor } from '#network/testing/small-graphs.ts';
import type { Birth, GatewayState, Reported } from '#protocol/messages.ts';
import { gatewayTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { createLogger } from '#runtime/log.ts';
import { freePort } from '#runtime/ports.ts';

const root = join(import.meta.dirname, '..', '..');
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
let network: TinyNetwork;
let folder = '';
const data = () => join(folder, 'site');

type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** What a command for the site prints, and how it ends. */
const blindsight = async (...words: string[]): Promise<Outcome> =>
  promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), ...words, '--data', data()]).then(
    (output) => ({ code: 0, ...output }),
    (error: Outcome) => error,
  );

beforeAll(async () => {
  network = await makeTinyNetwork();
  folder = await mkdtemp(join(tmpdir(), 'blindsight-gateways-'));
  const brokerPort = await freePort(0);
  await initializeSite(data(), 'yard', { brokerPort, apiPort: await freePort(0) });
  const site = await openSite(await loadConfig(join(data(), 'backend.yaml'), BackendConfig));
  const brokerUrl = `mqtts://localhost:${brokerPort}`;
  for (const name of ['gate-1', 'gate-2'])
    await enrolGateway({ site, name, outDirectory: join(folder, name), brokerUrl });
  const { protectedNetwork } = network;
  for (const time of [1, 2]) {
    const secretKey = Uint8Array.from(protectedNetwork.secretKey);
    const resultSecretKey = Uint8Array.from(protectedNetwork.resultSecretKey!);
    const onnx = Uint8Array.from(protectedNetwork.onnx);
    await keepNetwork(site, 'tiny', { ...protectedNetwork, secretKey, resultSecretKey, onnx }, time);
  }
  await site.close();
});

afterAll(async () => {
  await network.close();
  await rm(folder, { recursive: true });
});

describe('deploy', () => {
  it('takes an earlier version, and names those that there are where it has none', async () => {
    expect((await blindsight('deploy', 'tiny', 'gate-1')).stdout).toMatch(/^tiny version 2 is release 1 /);
    expect((await blindsight('deploy', 'tiny', 'gate-1', '--version', '1')).stdout).toMatch(
      /^tiny version 1 is release 2 of gate-1 /,
    );
    const missing = await blindsight('deploy', 'tiny', 'gate-1', '--version', '7');
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toContain('there is no version 7 of tiny; there are: 1, 2\n');
    expect((await blindsight('deploy', 'huge', 'gate-1')).stderr).toContain(
      'there is no protected network huge; there are: tiny\n',
    );
    expect((await blindsight('deploy', 'tiny', 'gate-1', '--version', 'x')).code).toBe(1);
  });
});

describe('gateway list', () => {
  it('says that nobody knows who is online while no backend runs', async () => {
    const { stdout, stderr } = await blindsight('gateway', 'list');
    expect(stdout).toMatch(/^GATEWAY +ENROLLED +STATE +SOFTWARE +NETWORK\n/);
    expect(stdout).toMatch(/\ngate-1 +\S+ +unknown +- +tiny version 1 \(release 2\)\n/);
    expect(stderr).toContain('The backend does not answer');
  });

  it('says a month ahead whose certificate expires, and site renew renews those of the site', async () => {
    const soon = Date.now() + 20 * 86_400_000;
    const database = new DatabaseSync(join(data(), 'blindsight.db'));
    const update = database.prepare('UPDATE gateways SET certificate_end_ms = ? WHERE name = ?');
    update.run(soon, 'gate-2');
    const site = await openSite(await loadConfig(join(data(), 'backend.yaml'), BackendConfig));
    const authority = await openAuthority(site.store, site.vault);
    await site.close();
    const file = join(data(), 'certificates/backend.pem');
    const certificate = await readFile(file, 'utf8');
    const request = { kind: 'backend', commonName: 'backend', days: 20, certificate } as const;
    await writeFile(file, await authority.renew(request));
    const day = new Date(soon).toISOString().slice(0, 10);
    const { stdout, stderr } = await blindsight('gateway', 'list');
    expect(stdout).toMatch(new RegExp(`\\ngate-2 .* unknown, certificate expires ${day} `));
    expect(stdout).not.toMatch(/gate-1 .* certificate expires/);
    expect(stderr).toMatch(
      /The certificate of the backend expires on \S+: run `npx blindsight site renew --data \S+`/,
    );
    expect(stderr).not.toContain('of the broker');
    const renewed = await blindsight('site', 'renew');
    expect(renewed.stdout).toMatch(
      /^The certificate of the backend expires on .*\nThe certificate of the broker/,
    );
    expect((await blindsight('gateway', 'list')).stderr).not.toContain('certificate');
    update.run(soon + 5e10, 'gate-2');
    database.close();
  });

  it('shows who is offline, and the versions of software and network', async () => {
    const broker = await startBroker({
      config: await loadConfig(join(data(), 'broker.yaml'), BrokerConfig),
      log,
    });
    const config = await loadConfig(join(data(), 'backend.yaml'), BackendConfig);
    const backend = await runBackend({ config, log, signal: new AbortController().signal });
    const agent = await loadConfig(join(folder, 'gate-1/agent.yaml'), AgentConfig);
    const link = connectLink({
      url: agent.broker.url,
      ...(await readLinkCredentials(agent.broker)),
      clientId: 'gate-1',
      clock: systemClock,
      log,
    });
    try {
      await vi.waitFor(() => expect(link.connected).toBe(true), { timeout: 60_000 });
      const topics = gatewayTopics('yard', 'gate-1');
      const site = await openSite(config);
      const releases = await site.store.deployments.list();
      await site.close();
      const time = new Date().toISOString();
      const say = (topic: string, message: Birth | GatewayState | Reported) =>
        link.publish(topic, JSON.stringify(message), { retain: true });
      const birth = { gateway: 'gate-1', session: 5, version: '9.8.7\x1b[31m', time, platform: 'test' };
      await say(topics.birth, { ...birth, cameras: [], bundle: null });
      await say(topics.state, { state: 'online', session: 5, time, reason: 'started' });
      const active = releases.find(({ counter }) => counter === 1)!.digest;
      const bundle = { active, previous: null, counter: 1, progress: 1, subject: active, error: null };
      await say(topics.reported, { time, session: 5, bundle: { status: 'active', ...bundle } });
      const row = async () =>
        (await blindsight('gateway', 'list')).stdout.split('\n').find((line) => line.startsWith('gate-1'));
      await vi.waitFor(
        async () =>
          expect(await row()).toMatch(
            / online +9\.8\.7\?\[31m +tiny version 1 \(release 2\), runs tiny version 2 \(release 1\)$/,
          ),
        { timeout: 60_000 },
      );
      await say(topics.state, { state: 'offline', session: 5, time, reason: 'stopped' });
      await vi.waitFor(async () => expect(await row()).toMatch(/ offline since \d{4}-\S+Z +9\.8\.7/), {
        timeout: 60_000,
      });
      const rows = JSON.parse((await blindsight('gateway', 'list', '--json')).stdout);
      expect(rows).toMatchObject([
        { gateway: 'gate-1', state: 'offline', running: { version: 2 }, model: { version: 1 } },
        { gateway: 'gate-2', state: 'unknown', software: null, running: null, model: null },
      ]);
      const show = async (...words: string[]) => (await blindsight('gateway', 'show', ...words)).stdout;
      expect(await show('gate-1')).toMatch(
        /\nstate +offline since \S+Z\nquarantine +no\n[\s\S]*\nnetwork +tiny version 1 \(release 2\)\nruns +tiny version 2 \(release 1\)\n$/,
      );
      expect(JSON.parse(await show('gate-2', '--json'))).toEqual(rows[1]);
    } finally {
      await link.close();
      await backend.close();
      await broker.close();
    }
  });
});

describe('model protect', () => {
  it('names model import for a network that cannot be encrypted as it is', async () => {
    const random = new SeededRandom(1);
    const constants = { w: randomTensor(random, [16, 8], 1), v: randomTensor(random, [8, 2], 1) };
    const graph = graphOf([1, 4, 4], 2, constants, [
      node('Flatten', ['picture'], 'x'),
      node('MatMul', ['x', 'w'], 'd'),
      node('Relu', ['d'], 'r'),
      node('MatMul', ['r', 'v'], 'logits'),
    ]);
    const file = join(folder, 'door.onnx');
    await writeFile(file, writeOnnx(graph));
    const refusal = async () => (await blindsight('model', 'protect', file)).stderr;
    expect(await refusal()).toContain(`blindsight model import ${file} --calibrate`);
    const described = { labels: ['shut', 'open'], activationRanges: [1], logitRange: 1 };
    await writeFile(join(folder, 'door.json'), JSON.stringify(described));
    expect(await refusal()).toMatch(/blindsight model import FILE --calibrate[\s\S]*NETWORK_NOT_POLYNOMIAL/);
  });
});
