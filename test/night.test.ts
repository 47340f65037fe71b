import { type ChildProcess, spawn } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { addChannel } from '#backend/alerts/channels.ts';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { keepNetwork } from '#backend/protection/keep-network.ts';
import { withSite } from '#backend/site-folder.ts';
import { Receiver } from '#backend/testing/receiver.ts';
import { makeTinyNetwork, type TinyNetwork } from '#backend/testing/tiny-network.ts';
import { mosquitto, type RunningBroker } from '#broker/testing/contract-brokers.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig } from '#config/schema.ts';
import type { AlertView } from '#protocol/alert.ts';
import type { SiteState } from '#protocol/api.ts';
import type { ChannelView } from '#protocol/channel.ts';
import { encodeEnvelope, envelopeDigest } from '#protocol/envelope.ts';
import { type Birth, type GatewayState, Receipt } from '#protocol/messages.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { Rule } from '#protocol/rule.ts';
import { gatewayTopics, siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link, type LinkOptions } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { createLogger } from '#runtime/log.ts';
import { buildCockpit } from '../cockpit/build.mjs';
import { launchBrowser, openPage } from '../cockpit/testing/browser.ts';

const WAIT = { timeout: 120_000, interval: 100 };
const [SITE, CAMERA] = ['yard', 'gate-camera'];
const TOPICS = gatewayTopics(SITE, 'box');
/** No summer time: it is 02:10 there once a day. */
const TIME_ZONE = 'Asia/Tokyo';
const DAY_MS = 86_400_000;
/** From now to the next ten past two at night, ms. */
const AHEAD_MS = DAY_MS - ((Date.now() + 6 * 3_600_000 + 50 * 60_000 - 3000) % DAY_MS);
const nightMs = () => Date.now() + AHEAD_MS;

const RULE = Rule.parse({
  ...{ name: 'intruder', severity: 'critical', notify: ['guard'], coolDownSeconds: 3600 },
  when: { kind: 'answer', cameras: [CAMERA], label: 'occupied', forSeconds: 1 },
  schedule: { from: '22:00', to: '06:00' },
});

let folder: string;
let data: string;
let broker: RunningBroker;
let network: TinyNetwork;
let guard: Receiver;
let gateway: Link;
let watcher: Link;
let credentials: Pick<LinkOptions, 'ca' | 'certificate' | 'key'>;
let browser: Browser | null = null;
let backend: ChildProcess | null = null;
let port = 0;
let said = '';
/** Puts an answer into the outbox of the gateway, and sends it. */
let answer: (isOccupied: boolean) => Promise<void>;
/** What the backend has not confirmed, by digest. */
const outbox = new Map<string, Uint8Array>();
let answers = 0;
/** Payloads on the topic of the alert. */
const told: string[] = [];

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const brokerUrl = () => `mqtts://localhost:${broker.port}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-night-'));
  data = join(folder, 'site');
  await buildCockpit();
  guard = await Receiver.start();
  network = await makeTinyNetwork();
  await initializeSite(data, SITE, { brokerPort: 8883, apiPort: 0 });
  const brokerFolder = join(folder, 'broker');
  await mkdir(brokerFolder);
  await cp(join(data, 'certificates'), brokerFolder, { recursive: true });
  broker = await mosquitto({ folder: brokerFolder, site: SITE, maxMessageKilobytes: 256 });
  const bundle = await withSite(data, async (site) => {
    await keepNetwork(site, 'tiny', network.protectedNetwork, 1);
    await enrolGateway({ site, name: 'box', outDirectory: join(folder, 'box'), brokerUrl: brokerUrl() });
    await addChannel(site, 'guard', { kind: 'webhook', url: guard.url('/alerts'), allowPrivate: true });
    await site.store.rules.put(RULE, 'anna', nightMs());
    const authority = await openAuthority(site.store, site.vault);
    const issued = await authority.issue({ kind: 'cockpit', commonName: 'cockpit', days: 1 });
    credentials = { ca: authority.certificate, ...issued };
    watcher = dial(credentials, 'cockpit');
    return (await deployModel({ site, model: 'tiny', gateway: 'box', keys: 'common' })).digest;
  });
  const { alert } = siteTopics(SITE);
  watcher.subscribe(siteTopics(SITE).alerts, (topic, payload) =>
    told.push(topic === alert(RULE.name, CAMERA) ? Buffer.from(payload).toString() : topic),
  );
  await startGateway(bundle);
});

afterAll(async () => {
  await browser?.close();
  await kill();
  for (const link of [gateway, watcher]) await link?.close();
  await broker?.stop();
  await guard?.close();
  await network?.close();
  await rm(folder, { recursive: true, force: true });
});

function dial(credentials: Partial<Parameters<typeof connectLink>[0]>, clientId: string): Link {
  return connectLink({ url: brokerUrl(), ...credentials, clientId, clock: systemClock, log });
}

/** A gateway that sends real encrypted answers, and keeps each until the backend has it. */
async function startGateway(bundle: string): Promise<void> {
  const { broker: settings } = await loadConfig(join(folder, 'box/agent.yaml'), AgentConfig);
  const signingKey = createPrivateKey(await readFile(join(folder, 'box/signing.key')));
  gateway = dial(await readLinkCredentials(settings), 'box');
  gateway.subscribe(TOPICS.receipt, (_topic, payload) => {
    for (const digest of parseMessage(Receipt, payload).received) outbox.delete(digest);
  });
  await vi.waitFor(() => expect(gateway.connected).toBe(true), WAIT);
  const time = new Date(nightMs()).toISOString();
  const birth: Birth = {
    gateway: 'box',
    session: 1,
    version: 'test',
    time,
    platform: 'test',
    cameras: [CAMERA],
    bundle,
  };
  const state: GatewayState = { state: 'online', session: 1, time, reason: 'started' };
  await gateway.publish(TOPICS.birth, JSON.stringify(birth), { retain: true });
  await gateway.publish(TOPICS.state, JSON.stringify(state), { retain: true });
  answer = async (isOccupied) => {
    const envelope = encodeEnvelope(
      {
        ...{ schema: 1, site: SITE, gateway: 'box', camera: CAMERA, session: 1, sequence: answers },
        ...{
          frameTimeMs: nightMs() - 10,
          readyTimeMs: nightMs(),
          bundle,
          interpreter: 'reference',
          historical: false,
        },
        ciphertext: network.answer(isOccupied ? [0, 1] : [1, 0]),
        timings: { prepareMs: 1, encryptMs: 2, evaluateMs: 3 },
      },
      signingKey,
    );
    answers += 1;
    outbox.set(envelopeDigest(envelope), envelope);
    await gateway.publish(TOPICS.inference(CAMERA), envelope);
  };
}

async function start(): Promise<void> {
  const words = [
    join(import.meta.dirname, 'testing/night-backend.ts'),
    data,
    brokerUrl(),
    TIME_ZONE,
    String(AHEAD_MS),
  ];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  backend = child;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [line] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => [null]),
  ])) as [Buffer | null];
  if (line === null) throw new Error(`the backend ended: ${said}`);
  port = Number(line.toString());
  await vi.waitFor(async () => expect((await get<SiteState>('state')).broker.connected).toBe(true), WAIT);
  // As a gateway does whenever the backend comes back.
  for (const envelope of outbox.values()) await gateway.publish(TOPICS.inference(CAMERA), envelope);
}

/** Without a farewell, at once. */
async function kill(): Promise<void> {
  const child = backend;
  backend = null;
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const get = async <T>(path: string): Promise<T> =>
  (await fetch(`http://127.0.0.1:${port}/api/${path}`)).json() as Promise<T>;
const post = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}/api/${path}`, { method: 'POST' });
  return { status: response.status, body: (await response.json()) as unknown };
};
const alerts = () => get<AlertView[]>('alerts?state=all');

/** What whoever looks anew finds in the alerts tree. */
async function retained(): Promise<string[]> {
  const found: string[] = [];
  const link = dial(credentials, 'newcomer');
  // Retained messages come in the order in which they were asked for: the state of the gateway is always there.
  const last = new Promise<void>((done) => {
    link.subscribe(
      siteTopics(SITE).alerts,
      (topic, _payload, { retain }) => void (retain && found.push(topic)),
    );
    link.subscribe(TOPICS.state, () => done());
  });
  await last;
  await link.close();
  return found;
}

/** Sends answers, as a camera does, until something is so. */
const answerUntil = (isOccupied: boolean, condition: () => void | Promise<void>) =>
  vi.waitFor(
    async () => {
      await answer(isOccupied);
      await condition();
    },
    { ...WAIT, interval: 150 },
  );

it('tells the guard of an intruder at 02:10 once, whoever is killed meanwhile, until somebody acknowledges it', async () => {
  await start();
  for (let i = 0; i < 3; i++) await answer(false);
  // The guard has it, and the backend dies before it hears that.
  const died = new Promise<void>((done) => {
    guard.behavior = (_received, response) => {
      guard.behavior = (_again, later) => void later.writeHead(204).end();
      void kill().then(() => {
        response.destroy();
        done();
      });
    };
  });
  await answerUntil(true, () => expect(guard.received).toHaveLength(1));
  await died;
  for (let i = 0; i < 3; i++) await answer(true);
  expect(outbox.size).toBeGreaterThan(0);

  // The broker ends, too, and keeps on disk what waits for the backend.
  await broker.restart();
  await vi.waitFor(() => expect([gateway.connected, watcher.connected]).toEqual([true, true]), WAIT);
  await start();
  await answerUntil(true, () => expect(guard.received).toHaveLength(2));
  const [first, second] = guard.received.map(
    ({ body }) => JSON.parse(body) as { delivery: string; alert: AlertView },
  );
  expect(second).toEqual(first);
  expect(first?.alert).toMatchObject({ rule: 'intruder', severity: 'critical', times: 1, ended: null });
  expect(first?.alert.subject).toEqual({ kind: 'camera', name: CAMERA });
  const local = new Intl.DateTimeFormat('en-GB', { timeZone: TIME_ZONE, hour: '2-digit' });
  expect(local.format(new Date(first!.alert.raised))).toBe('02');
  const isNoted = async () =>
    expect(await get<ChannelView[]>('channels')).toMatchObject([
      { waiting: 0, delivered: expect.any(String) },
    ]);
  await vi.waitFor(isNoted, WAIT);
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(0), WAIT);

  // Whoever looks anew finds the alert.
  await vi.waitFor(
    async () => expect(await retained()).toEqual([siteTopics(SITE).alert(RULE.name, CAMERA)]),
    WAIT,
  );
  await answerUntil(false, async () => expect((await alerts())[0]?.ended).not.toBeNull());
  // Who comes again soon is in the same night's alert.
  for (let i = 0; i < 10; i++) await answer(true);
  await vi.waitFor(async () => {
    expect(outbox.size).toBe(0);
    expect((await get<SiteState>('state')).counters).toMatchObject({
      accepted: answers,
      gaps: 0,
      withheld: 0,
      refused: {},
    });
  }, WAIT);
  expect(await alerts()).toMatchObject([{ id: first!.alert.id, times: 1, acknowledged: null }]);
  expect(guard.received).toHaveLength(2);

  expect((await get<SiteState>('state')).alerts).toMatchObject({ count: 1 });
  browser = await launchBrowser();
  const { page, complaints } = await openPage(browser, { locale: 'en-US' });
  await page.goto(`http://127.0.0.1:${port}/#/alerts`);
  await page.getByRole('button', { name: `Acknowledge: ${first!.alert.title}` }).click();
  // Whoever is second hears who was first.
  await vi.waitFor(async () => expect((await alerts())[0]?.acknowledged).not.toBeNull(), WAIT);
  expect(await post(`alerts/${first!.alert.id}/acknowledge`)).toMatchObject({
    status: 409,
    body: {
      error: { code: 'ALERT_ACKNOWLEDGED', message: expect.stringContaining('the API acknowledged') },
    },
  });
  await page.getByText('No open alert.').waitFor();
  expect(complaints).toEqual([]);
  await vi.waitFor(async () => expect(await retained()).toEqual([]), WAIT);
  const states = told.filter((text) => text !== '').map((text) => JSON.parse(text) as AlertView);
  expect(new Set(states.map(({ id, times }) => `${id} ${times}`)).size).toBe(1);
  expect((await get<SiteState>('state')).alerts).toEqual({ open: [], count: 0 });
  // What it said of all this holds nothing that opens anything.
  expect(said).not.toMatch(/blindsight_[\w-]{20}|PRIVATE KEY/);
});
