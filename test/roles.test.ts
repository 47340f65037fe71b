import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, type RunnerTask, vi } from 'vitest';
import { createInstallationKey } from '#backend/sealing/installation-key.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig, BackendConfig } from '#config/schema.ts';
import { DaemonProcess } from '#demo/daemon-process.ts';
import { changeSettings } from '#demo/settings.ts';
import { decodeEnvelope, envelopeDigest } from '#protocol/envelope.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { traceName } from '#protocol/trace-name.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { createLogger } from '#runtime/log.ts';
import { answers } from '#runtime/probe.ts';
import { OtlpReceiver } from '#runtime/testing/otlp-receiver.ts';
import { seededDelays } from '#runtime/testing/seeded-delays.ts';
import { makeRolesSite, type RolesSite } from './testing/roles-site.ts';

const BOUND = { items: 100_000, bytes: 2 ** 33, siteBytes: 2 ** 34 };
const WAIT = { timeout: 240_000, interval: 100 };
const GATEWAYS = 8;
const ROUNDS = 6;
/** Answers of each gateway in a round. */
const ANSWERS = 20;

/** Where the test failed, the logs say what the processes thought. */
async function closeBench(bench: RolesSite, { result }: RunnerTask): Promise<void> {
  if (result?.state === 'fail') console.error(bench.logEnds());
  await bench.close();
}

describe('several decryptors', () => {
  let bench: RolesSite;
  beforeEach(async () => {
    bench = await makeRolesSite(GATEWAYS);
  });
  afterEach(({ task }) => closeBench(bench, task));

  async function put(from: number, to: number): Promise<void> {
    for (let sequence = from; sequence < to; sequence++)
      for (const gateway of bench.gateways) {
        const envelope = bench.envelope(gateway, sequence);
        const { name } = gateway;
        const camera = `camera-${name}`;
        const digest = envelopeDigest(envelope);
        const item = { gateway: name, camera, digest, receivedMs: Date.now(), envelope };
        expect(await bench.site.store.inbox.add(item, BOUND)).toBe('stored');
      }
  }

  const untilSettled = () =>
    vi.waitFor(async () => expect(await bench.site.store.inbox.count()).toBe(0), WAIT);

  /** Every place has one answer, which was counted, and is to be published and followed, once. */
  async function expectAllOnce(offered: number): Promise<void> {
    const { store } = bench.site;
    const { answers } = await store.feed.storedBefore(Number.MAX_SAFE_INTEGER, 2 ** 31);
    const places = answers.map(({ gateway, session, sequence }) => `${gateway}/${session}/${sequence}`);
    expect(new Set(places).size).toBe(offered);
    expect(places.length).toBe(offered);
    expect(answers.filter(({ withheld }) => withheld !== null)).toEqual([]);
    expect(await store.counters.all()).toEqual({ accepted: offered });
    const publications = await store.publications.after(0, 10 * offered);
    expect(publications.map(({ results }) => results.length)).toEqual(publications.map(() => 1));
    const published = publications.flatMap(({ results }) =>
      results.map(({ camera, sequence }) => `${camera}/${sequence}`),
    );
    expect(published.length).toBe(offered);
    expect(new Set(published).size).toBe(offered);
    expect((await store.feed.take(10 * offered)).length).toBe(offered);
  }

  const signalTo = (process: DaemonProcess, signal: NodeJS.Signals) => {
    if (process.pid !== undefined) global.process.kill(process.pid, signal);
  };

  it('settle each answer once, whichever of them is killed at whatever moment', async () => {
    const decryptors = ['one', 'two'].map((name) => bench.start(name, 'backend', 'decryptor'));
    const delays = seededDelays(ROUNDS, 1500);
    for (const [round, delayMs] of delays.entries()) {
      await put(round * ANSWERS, (round + 1) * ANSWERS);
      await delay(delayMs);
      signalTo(decryptors[(round + delayMs) % 2]!, 'SIGKILL');
    }
    await untilSettled();
    await expectAllOnce(GATEWAYS * ROUNDS * ANSWERS);
    // On a busy machine one of them may have settled everything while the other one was killed before it began.
    await vi.waitFor(() => {
      for (const name of ['one', 'two'])
        expect(readFileSync(join(bench.folder, `${name}.log`), 'utf8')).toContain('takes gateways over');
    }, WAIT);
  });

  it('leave what another one has taken over, when they were stopped and go on', async () => {
    const decryptors = ['one', 'two'].map((name) => bench.start(name, 'backend', 'decryptor'));
    const { leases } = bench.site.store;
    await vi.waitFor(async () => {
      expect((await leases.taken('decryptor/')).length).toBe(2);
      expect(await leases.unclaimed('shard/', 'decryptor/')).toEqual([]);
    }, WAIT);
    await put(0, 2 * ANSWERS);
    signalTo(decryptors[0]!, 'SIGSTOP');
    await untilSettled();
    await put(2 * ANSWERS, 3 * ANSWERS);
    signalTo(decryptors[0]!, 'SIGCONT');
    await put(3 * ANSWERS, 4 * ANSWERS);
    await untilSettled();
    await expectAllOnce(GATEWAYS * 4 * ANSWERS);
  });

  it('take nothing over with the installation key of another site, and leave all of it to who has the right one', async () => {
    const config = join(bench.folder, 'site/foreign.yaml');
    copyFileSync(join(bench.folder, 'site/backend.yaml'), config);
    await createInstallationKey(join(bench.folder, 'site/foreign.key'));
    await changeSettings(config, [[['installationKey'], 'foreign.key']]);
    const logFile = join(bench.folder, 'foreign.log');
    const refusals = () =>
      existsSync(logFile) ? readFileSync(logFile, 'utf8').split('INSTALLATION_KEY_INVALID').length - 1 : 0;
    const ends: string[] = [];
    // It is started again and again, as systemd does.
    const options = ['--role', 'decryptor'];
    const foreign = new DaemonProcess('backend', config, logFile, (how) => ends.push(how), options);
    foreign.start();
    try {
      await put(0, ANSWERS);
      await vi.waitFor(() => expect(ends.length).toBeGreaterThan(0), WAIT);
      const { inbox, leases } = bench.site.store;
      expect(refusals()).toBeGreaterThan(0);
      expect(await leases.taken('decryptor/')).toEqual([]);
      expect(await inbox.count()).toBe(GATEWAYS * ANSWERS);

      bench.start('right', 'backend', 'decryptor');
      await untilSettled();
      const before = refusals();
      await put(ANSWERS, 2 * ANSWERS);
      await vi.waitFor(() => expect(refusals()).toBeGreaterThan(before), WAIT);
      await untilSettled();
      expect(await leases.taken('decryptor/')).toHaveLength(1);
      expect(readFileSync(logFile, 'utf8')).not.toContain('takes gateways over');
      await expectAllOnce(GATEWAYS * 2 * ANSWERS);
    } finally {
      await foreign.stop();
    }
  });

  it('are refused on SQLite, by a code', async () => {
    const file = join(bench.folder, 'sqlite.yaml');
    const text = readFileSync(join(bench.folder, 'site/backend.yaml'), 'utf8');
    writeFileSync(file, text.replace(/kind: postgresql[\s\S]*?\n(?=\S)/, 'kind: sqlite\n'), {
      mode: 0o600,
    });
    const command = [
      join(import.meta.dirname, '../cli/main.ts'),
      'backend',
      '--config',
      file,
      '--role',
      'decryptor',
    ];
    const failure = await promisify(execFile)(process.execPath, command).catch((error: unknown) => error);
    expect(String((failure as { stderr?: string }).stderr)).toContain('ROLES_NEED_POSTGRESQL');
  });
});

describe('a site whose roles are processes', () => {
  let bench: RolesSite;
  let collector: OtlpReceiver;
  beforeEach(async () => {
    collector = await OtlpReceiver.start();
    bench = await makeRolesSite(1, [[['tracing'], { endpoint: collector.endpoint, share: 1 }]]);
  });
  afterEach(async ({ task }) => {
    await closeBench(bench, task);
    await collector.close();
  });

  const log = createLogger({
    name: 'test',
    level: 'error',
    format: 'json',
    destination: { write: () => {} },
  });

  async function connect(clientId: string, credentials: Parameters<typeof readLinkCredentials>[0]) {
    const link = connectLink({
      ...{ url: bench.brokerUrl, clientId, clock: systemClock, log },
      ...(await readLinkCredentials(credentials)),
    });
    await vi.waitFor(() => expect(link.connected).toBe(true), WAIT);
    return link;
  }

  it('takes answers in, gives out results and releases, and goes on with whoever stands by', async () => {
    const gateway = bench.gateways[0]!;
    const topics = gatewayTopics('yard', gateway.name);
    bench.start('broker', 'broker');
    const roles = ['api', 'api', 'deployer', 'decryptor', 'decryptor', 'auditor'];
    const processes = roles.map((role, i) => bench.start(`${role}-${i}`, 'backend', role));
    const page = `http://127.0.0.1:${bench.apiPort}/healthz`;
    await vi.waitFor(async () => expect(await answers(page)).toBe(true), WAIT);
    const { broker } = await loadConfig(join(bench.folder, gateway.name, 'agent.yaml'), AgentConfig);
    const link = await connect(gateway.name, broker);
    const heard: string[] = [];
    link.subscribe(topics.receipt, (_, payload) => heard.push(Buffer.from(payload).toString()));
    const manifests: string[] = [];
    link.subscribe(topics.bundleManifest, (topic) => manifests.push(topic));
    const backend = await loadConfig(join(bench.folder, 'site/backend.yaml'), BackendConfig);
    const watcher = await connect('watcher', backend.broker);
    const results: number[] = [];
    watcher.subscribe(siteTopics('yard').result(`camera-${gateway.name}`), (_, payload) =>
      results.push(JSON.parse(Buffer.from(payload).toString()).sequence),
    );
    // As a gateway does, until it has its receipt.
    const offer = async (sequence: number) => {
      const wire = bench.envelope(gateway, sequence);
      await vi.waitFor(
        async () => {
          await link.publish(topics.inference(`camera-${gateway.name}`), wire);
          expect(heard.some((receipt) => receipt.includes(envelopeDigest(wire)))).toBe(true);
        },
        { ...WAIT, interval: 500 },
      );
      await vi.waitFor(() => expect(results).toContain(sequence), WAIT);
    };
    await offer(0);
    await vi.waitFor(() => expect(manifests.length).toBeGreaterThan(0), WAIT);
    // One trace, told by two processes.
    const { session } = decodeEnvelope(bench.envelope(gateway, 0), 65_536).envelope;
    const { traceId } = traceName({ site: 'yard', gateway: gateway.name, session, sequence: 0 });
    await vi.waitFor(() => {
      const told = collector.traces
        .get(traceId)
        ?.map(({ name, resource }) => [name, resource['blindsight.roles']]);
      expect(told).toEqual(
        expect.arrayContaining([
          ['receive', 'api'],
          ['wait', 'decryptor'],
          ['settle', 'decryptor'],
        ]),
      );
    }, WAIT);
    const working = await vi.waitFor(async () => {
      const held = processes.slice(0, 2).find((_, i) => logOf(`api-${i}`).includes('page on port'));
      expect(held).toBeDefined();
      return held!;
    }, WAIT);
    const standby = processes[working === processes[0] ? 1 : 0]!;
    const standbyLog = () => logOf(`api-${processes.indexOf(standby)}`);
    await vi.waitFor(() => expect(standbyLog()).toContain('standing by'), WAIT);
    process.kill(working.pid!, 'SIGKILL');
    // Nor is it started again.
    await working.stop();
    await offer(1);
    await vi.waitFor(() => expect(standbyLog()).toContain('page on port'), WAIT);
    process.kill(processes[3]!.pid!, 'SIGKILL');
    process.kill(processes[4]!.pid!, 'SIGKILL');
    await offer(2);
    expect(await bench.site.store.counters.all()).toMatchObject({ accepted: 3 });
    await link.close();
    await watcher.close();
  });

  const logOf = (name: string) => readFileSync(join(bench.folder, `${name}.log`), 'utf8');
});
