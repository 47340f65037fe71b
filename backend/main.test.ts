import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Broker, startBroker } from '#broker/main.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig, BackendConfig, BrokerConfig } from '#config/schema.ts';
import type { JournalEntry, SiteState } from '#protocol/api.ts';
import { decodeChunk } from '#protocol/chunk.ts';
import { type Envelope, encodeEnvelope, envelopeDigest } from '#protocol/envelope.ts';
import { decodeManifest, manifestDigest } from '#protocol/manifest.ts';
import { Receipt, type Reported } from '#protocol/messages.ts';
import { parseMessage } from '#protocol/parse-message.ts';
import { gatewayTopics, HOME_ASSISTANT, siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { readLinkCredentials } from '#runtime/link-credentials.ts';
import { createLogger } from '#runtime/log.ts';
import { freePort } from '#runtime/ports.ts';
import { RetryLadder } from '#runtime/retry.ts';
import { type RunningBackend, runBackend } from './main.ts';
import { releaseCamera } from './operations/cameras.ts';
import { deployModel } from './operations/deploy-model.ts';
import { enrolGateway } from './operations/enrol-gateway.ts';
import { initializeSite } from './operations/initialize-site.ts';
import { keepNetwork } from './protection/keep-network.ts';
import { openSite, type Site } from './site.ts';
import { makeTinyNetwork, type TinyNetwork } from './testing/tiny-network.ts';

const log = createLogger({
  name: 'test',
  level: 'error',
  format: 'json',
  destination: { write: (l) => process.stderr.write(l) },
});
const gate = gatewayTopics('yard', 'gate');
const WAIT = { timeout: 120_000, interval: 20 };

describe('the backend with a broker and a gateway', () => {
  let network: TinyNetwork;
  let folder: string;
  let brokerPort: number;
  let config: BackendConfig;
  let broker: Broker | null;
  let backend: RunningBackend | null;
  let site: Site;
  let gatewayLink: Link | null;
  let signingKey: KeyObject;
  let bundle: string;
  let sequence: number;

  beforeAll(async () => {
    network = await makeTinyNetwork();
  });
  afterAll(() => network.close());

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-backend-'));
    brokerPort = await freePort(0);
    broker = null;
    backend = null;
    gatewayLink = null;
    sequence = 0;
    const data = join(folder, 'site');
    await initializeSite(data, 'yard', { brokerPort, apiPort: 0 });
    const loaded = await loadConfig(join(data, 'backend.yaml'), BackendConfig);
    // Its gateway answers with the reference interpreter.
    config = { ...loaded, audit: { ...loaded.audit, acceptReference: true, share: 0, lateShare: 0 } };
    site = await openSite(config);
    const brokerUrl = `mqtts://localhost:${brokerPort}`;
    await enrolGateway({ site, name: 'gate', outDirectory: join(folder, 'gate'), brokerUrl });
    signingKey = createPrivateKey(readFileSync(join(folder, 'gate/signing.key')));
    const { protectedNetwork } = network;
    const secretKey = Uint8Array.from(protectedNetwork.secretKey);
    const onnx = Uint8Array.from(protectedNetwork.onnx);
    const resultSecretKey = Uint8Array.from(protectedNetwork.resultSecretKey!);
    await keepNetwork(site, 'tiny', { ...protectedNetwork, secretKey, resultSecretKey, onnx }, 1);
    bundle = (await deployModel({ site, model: 'tiny', gateway: 'gate' })).digest;
  });
  afterEach(async () => {
    await gatewayLink?.close();
    await backend?.close();
    await broker?.close();
    await site.close();
    rmSync(folder, { recursive: true });
  });

  async function startSiteBroker(): Promise<void> {
    const brokerConfig = await loadConfig(join(folder, 'site/broker.yaml'), BrokerConfig);
    broker = await startBroker({ config: brokerConfig, log });
  }

  async function startBackend(): Promise<void> {
    backend = await runBackend({ config, log, signal: new AbortController().signal });
    // A gateway sends again what nobody confirms; these tests say things once.
    if (broker !== null)
      await vi.waitFor(async () => expect((await state()).broker.connected).toBe(true), WAIT);
  }

  async function connectGateway(): Promise<Link> {
    const agent = await loadConfig(join(folder, 'gate/agent.yaml'), AgentConfig);
    gatewayLink = connectLink({
      url: agent.broker.url,
      ...(await readLinkCredentials(agent.broker)),
      clientId: 'gate',
      clock: systemClock,
      log,
      ladder: new RetryLadder([50]),
    });
    await vi.waitFor(() => expect(gatewayLink?.connected).toBe(true), WAIT);
    return gatewayLink;
  }

  /** A second client that may read everything. */
  async function connectBackendIdentity(): Promise<Link> {
    const link = connectLink({
      url: config.broker.url,
      ...(await readLinkCredentials(config.broker)),
      clientId: 'watcher',
      clock: systemClock,
      log,
      ladder: new RetryLadder([50]),
    });
    await vi.waitFor(() => expect(link.connected).toBe(true), WAIT);
    return link;
  }

  function listen(link: Link, topic: string): Uint8Array[] {
    const received: Uint8Array[] = [];
    link.subscribe(topic, (_, payload) => received.push(payload));
    return received;
  }

  function nextEnvelope(changes: Partial<Envelope> = {}): Uint8Array {
    const envelope: Envelope = {
      schema: 1,
      site: 'yard',
      gateway: 'gate',
      camera: 'door',
      session: 1,
      sequence,
      frameTimeMs: Date.now(),
      readyTimeMs: Date.now(),
      bundle,
      interpreter: 'reference',
      historical: false,
      timings: { prepareMs: 1, encryptMs: 2, evaluateMs: 3 },
      ciphertext: network.answer([0.9, 0.1]),
      ...changes,
    };
    sequence += 1;
    return encodeEnvelope(envelope, signingKey);
  }

  async function get<T>(path: string): Promise<T> {
    return (await (await fetch(`http://127.0.0.1:${backend!.port}${path}`)).json()) as T;
  }
  const state = () => get<SiteState>('/api/state');
  const receiptsOf = (received: readonly Uint8Array[]) =>
    received.flatMap((payload) => parseMessage(Receipt, payload).received);

  it('runs without a broker, says so, and goes on as soon as there is one', async () => {
    await startBackend();
    expect((await state()).broker.connected).toBe(false);
    await startSiteBroker();
    await vi.waitFor(async () => expect((await state()).broker.connected).toBe(true), WAIT);
  });

  it('notes nothing that a gateway says in the audit log, whatever it says', async () => {
    await startSiteBroker();
    await startBackend();
    const link = await connectGateway();
    const entry = {
      actor: 'anna',
      role: 'owner',
      door: 'cli',
      act: 'deploy',
      subject: 'gate',
      outcome: 'ok',
    };
    const event = { level: 'error', code: 'SITE_RESTORED', message: 'anna did this', ...entry };
    await link.publish(gate.log, JSON.stringify(event));
    for (const topic of [gate.reported, gate.state, gate.answer('restart', 'x'), gate.certificateRequest])
      await link.publish(topic, JSON.stringify(entry));
    const receipts = listen(link, gate.receipt);
    await link.publish(gate.inference('door'), nextEnvelope());
    await vi.waitFor(() => expect(receiptsOf(receipts).length).toBe(1), WAIT);
    expect(await site.store.audit.after(0, 10)).toEqual([]);
    expect(await get('/api/audit')).toEqual([]);
    // What comes through the API does stand there.
    const put = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{}' };
    await fetch(`http://127.0.0.1:${backend!.port}/api/gateways/gate/configuration`, put);
    expect((await site.store.audit.head()).seq).toBe(1);
  });

  it('delivers the released bundle piece by piece, and follows what the gateway reports', async () => {
    await startSiteBroker();
    await startBackend();
    const link = await connectGateway();
    const manifests = listen(link, gate.bundleManifest);
    await vi.waitFor(() => expect(manifests).toHaveLength(1), WAIT);
    expect(manifestDigest(manifests[0]!)).toBe(bundle);
    const { parts } = decodeManifest(manifests[0]!).manifest;
    const chunks = listen(link, gate.bundleChunk);
    for (const part of parts) {
      chunks.length = 0;
      const count = Math.ceil(part.bytes / 65_536);
      await link.publish(gate.bundleRequest, JSON.stringify({ bundle, part: part.name, from: 0, count: 64 }));
      await vi.waitFor(() => expect(chunks).toHaveLength(count), WAIT);
      const pieces = chunks.map(decodeChunk).sort((a, b) => a.number - b.number);
      const whole = Buffer.concat(pieces.map((piece) => piece.data));
      expect(createHash('sha256').update(whole).digest('hex')).toBe(part.sha256);
    }
    chunks.length = 0;
    const foreign = { bundle: 'ab'.repeat(32), part: 'program', from: 0, count: 1 };
    await link.publish(gate.bundleRequest, JSON.stringify(foreign));
    await link.publish(gate.bundleRequest, JSON.stringify({ bundle, part: '../site', from: 0, count: 1 }));
    await link.publish(gate.bundleRequest, 'nonsense');
    await link.publish(gate.bundleRequest, JSON.stringify({ bundle, part: 'constants', from: 0, count: 9 }));
    await vi.waitFor(() => expect(chunks.length).toBeGreaterThan(0), WAIT);
    expect(chunks.map(decodeChunk).map(({ part, number }) => [part, number])).toEqual([['constants', 0]]);

    const report: Reported = {
      time: new Date().toISOString(),
      session: 1,
      bundle: {
        status: 'active',
        active: bundle,
        previous: null,
        counter: 1,
        progress: 1,
        subject: bundle,
        error: null,
      },
    };
    await link.publish(gate.reported, JSON.stringify(report), { retain: true });
    await vi.waitFor(
      async () => expect((await site.store.deployments.get(bundle))?.status).toBe('active'),
      WAIT,
    );

    const next = await deployModel({ site, model: 'tiny', gateway: 'gate' });
    await vi.waitFor(() => expect(manifests).toHaveLength(2), WAIT);
    expect(manifestDigest(manifests[1]!)).toBe(next.digest);
  });

  it('confirms whatever it holds durably, decrypts what is right, and tells the gateway nothing of it', async () => {
    await startSiteBroker();
    await startBackend();
    const link = await connectGateway();
    const receipts = listen(link, gate.receipt);
    const readable = [
      gate.receipt,
      gate.desired,
      gate.bundleManifest,
      gate.bundleChunk,
      gate.command('+', '+'),
    ];
    const everything = readable.map((topic) => listen(link, topic));
    await vi.waitFor(async () => expect((await state()).broker.connected).toBe(true), WAIT);
    const good = nextEnvelope();
    const forged = nextEnvelope({ gateway: 'other' });
    const nonsense = Buffer.from('nonsense');
    for (const bytes of [good, forged, nonsense]) await link.publish(gate.inference('door'), bytes);
    await vi.waitFor(() => expect(receiptsOf(receipts)).toHaveLength(3), WAIT);
    expect(receiptsOf(receipts).sort()).toEqual([good, forged, nonsense].map(envelopeDigest).sort());
    await vi.waitFor(async () => {
      expect((await state()).counters).toMatchObject({ accepted: 1, refused: { topic: 1, malformed: 1 } });
    }, WAIT);
    expect((await state()).cameras).toMatchObject([
      { camera: 'door', gateway: 'gate', result: { label: 'empty', probability: 0.95 } },
    ]);
    const journal = await get<JournalEntry[]>('/api/journal');
    expect(journal.map((entry) => entry.code)).toContain('REFUSED_TOPIC');
    // Nothing but receipts and the manifest ever came down on what a gateway may read.
    const texts = everything.flat().map((payload) => Buffer.from(payload).toString('latin1'));
    expect(texts.some((text) => text.includes('empty') || text.includes('refused'))).toBe(false);
    await link.publish(gate.inference('door'), good);
    await vi.waitFor(() => expect(receiptsOf(receipts)).toHaveLength(4), WAIT);
    await vi.waitFor(async () => expect((await state()).counters.duplicates).toBe(1), WAIT);
  });

  it('publishes results to the cockpit tree, says when it comes and goes, and keeps all over a restart', async () => {
    await startSiteBroker();
    await startBackend();
    const link = await connectGateway();
    const states = listen(link, siteTopics('yard').backendState);
    await vi.waitFor(() => expect(states.length).toBeGreaterThan(0), WAIT);
    await link.publish(gate.inference('door'), nextEnvelope());
    await vi.waitFor(async () => expect((await state()).counters.accepted).toBe(1), WAIT);
    await backend!.close();
    await startBackend();
    await vi.waitFor(() => expect(states.length).toBeGreaterThanOrEqual(3), WAIT);
    const seen = states.map((payload) => JSON.parse(Buffer.from(payload).toString()));
    expect(seen.slice(0, 3).map((message) => message.state)).toEqual(['online', 'offline', 'online']);
    expect(seen[2].session).toBeGreaterThan(seen[0].session);
    expect((await state()).cameras).toMatchObject([{ camera: 'door', result: { label: 'empty' } }]);
    expect((await state()).counters.accepted).toBe(1);
    // Once each, also over the restart.
    const minute = Math.floor(Date.now() / 60_000);
    await vi.waitFor(async () => {
      const added = await site.store.rollUps.all('hour', 0, minute);
      expect(added.map(({ rollUp }) => rollUp.answers)).toEqual([1]);
    }, WAIT);
    expect(await site.store.feed.waiting()).toBe(0);
    // A broker may tell late, and keep, how an earlier connection ended. That of a later one is another's business.
    const watcher = await connectBackendIdentity();
    const last = () => JSON.parse(Buffer.from(states.at(-1)!).toString());
    const { length } = states;
    const tell = (session: number) =>
      watcher.publish(siteTopics('yard').backendState, JSON.stringify({ ...seen[1], session }), {
        retain: true,
      });
    await tell(seen[0].session);
    await vi.waitFor(() => expect(states.length).toBe(length + 2), WAIT);
    expect(last()).toMatchObject({ state: 'online', session: seen[2].session });
    await tell(seen[2].session + 5);
    await vi.waitFor(() => expect(last().session).toBe(seen[2].session + 5), WAIT);
    await tell(seen[0].session);
    await vi.waitFor(() => expect(last()).toMatchObject({ session: seen[2].session }), WAIT);
    expect(states.length).toBe(length + 5);
    await watcher.close();
  });

  it('clears the answer of a camera whose name was released, also one that was released while it was away', async () => {
    await startSiteBroker();
    await startBackend();
    const link = await connectGateway();
    const cockpit = await connectBackendIdentity();
    const heard = new Map<string, string>();
    cockpit.subscribe(siteTopics('yard').results, (topic, payload) =>
      heard.set(topic, Buffer.from(payload).toString()),
    );
    const topicOf = (camera: string) => siteTopics('yard').result(camera);
    for (const camera of ['door', 'gate-way', 'stairs']) {
      await link.publish(gate.inference(camera), nextEnvelope({ camera }));
      await vi.waitFor(() => expect(heard.get(topicOf(camera))).toContain('"label"'), WAIT);
    }
    await releaseCamera(site, 'door');
    await vi.waitFor(() => expect(heard.get(topicOf('door'))).toBe(''), WAIT);
    await backend!.close();
    await releaseCamera(site, 'gate-way');
    await startBackend();
    await vi.waitFor(() => expect(heard.get(topicOf('gate-way'))).toBe(''), WAIT);
    expect(heard.get(topicOf('stairs'))).toContain('"label"');
    await cockpit.close();
  });

  it('shows births, states and camera conflicts', async () => {
    await startSiteBroker();
    await startBackend();
    const link = await connectGateway();
    await site.store.gateways.add({
      name: 'other',
      signingKey: '',
      certificateSerial: '',
      certificateEndMs: 0,
      enrolledMs: 0,
    });
    await site.store.cameras.claim('yard-2', 'other', 1);
    const time = new Date().toISOString();
    const common = { session: 1, time };
    await vi.waitFor(async () => expect((await state()).broker.connected).toBe(true), WAIT);
    await link.publish(
      gate.birth,
      JSON.stringify({
        ...common,
        gateway: 'gate',
        version: '1',
        platform: 'x',
        cameras: ['door', 'yard-2'],
        bundle: null,
      }),
    );
    await link.publish(gate.state, JSON.stringify({ ...common, state: 'online', reason: 'started' }), {
      retain: true,
    });
    await link.publish(
      gate.log,
      JSON.stringify({ time, level: 'warn', code: 'DISK', message: 'disk is full' }),
    );
    await vi.waitFor(async () => {
      const { gateways, cameras, counters } = await state();
      expect(gateways).toMatchObject([
        { name: 'gate', state: 'online', model: { name: 'tiny', version: 1 } },
        { name: 'other', state: 'unknown', model: null },
      ]);
      expect(cameras.map(({ camera, gateway }) => [camera, gateway])).toEqual([
        ['door', 'gate'],
        ['yard-2', 'other'],
      ]);
      expect(counters.refused.camera).toBe(1);
    }, WAIT);
    await vi.waitFor(async () => {
      const entries = await get<JournalEntry[]>('/api/journal');
      expect(entries.map((entry) => entry.code)).toContain('CAMERA_CONFLICT');
      expect(entries).toContainEqual(
        expect.objectContaining({ code: 'GATEWAY_SAYS', said: { gateway: 'gate', code: 'DISK' } }),
      );
    }, WAIT);
  });

  it('shows a gateway that answers as online, whatever a copy with higher session numbers has left behind', async () => {
    await startSiteBroker();
    await startBackend();
    const link = await connectGateway();
    const say = (kind: 'online' | 'offline', session: number) =>
      link.publish(
        gate.state,
        JSON.stringify({
          state: kind,
          session,
          time: new Date(Date.now() + 3_600_000).toISOString(),
          reason: kind === 'online' ? 'started' : 'lost',
        }),
        { retain: true },
      );
    const shown = async () => (await state()).gateways[0]!;
    await vi.waitFor(async () => expect((await state()).broker.connected).toBe(true), WAIT);
    // The copy ran once with an empty data folder, on a machine whose clock is an hour ahead.
    await say('online', 900_000);
    await vi.waitFor(async () => expect((await shown()).state).toBe('online'), WAIT);
    await say('offline', 900_000);
    await vi.waitFor(async () => expect((await shown()).state).toBe('offline'), WAIT);
    await say('online', 1);
    await vi.waitFor(async () => expect((await shown()).state).toBe('online'), WAIT);
    // The last will of the copy comes late, and is what the broker keeps when the backend starts anew.
    await say('offline', 900_000);
    await backend!.close();
    await startBackend();
    await vi.waitFor(async () => expect((await shown()).state).toBe('offline'), WAIT);
    await link.publish(gate.inference('door'), nextEnvelope());
    await vi.waitFor(async () => expect((await shown()).state).toBe('online'), WAIT);
    const { time, gateways, cameras } = await state();
    expect(Date.parse(gateways[0]!.since!)).toBeLessThanOrEqual(Date.parse(time));
    expect(Date.parse(cameras[0]!.result!.frameTime)).toBeLessThanOrEqual(Date.parse(time));
  });

  it('tells Prometheus of answers, and Home Assistant of cameras where that is enabled', async () => {
    config = { ...config, homeAssistant: { enabled: true } };
    await startSiteBroker();
    await startBackend();
    const watcher = await connectBackendIdentity();
    const told = new Map<string, string>();
    watcher.subscribe(HOME_ASSISTANT.device('+'), (topic, payload) =>
      told.set(topic, Buffer.from(payload).toString()),
    );
    const link = await connectGateway();
    const time = new Date().toISOString();
    const birth = {
      gateway: 'gate',
      session: 1,
      version: '1',
      time,
      platform: 'linux-x64',
      cameras: ['door'],
      bundle,
    };
    await link.publish(gate.birth, JSON.stringify(birth), { retain: true });
    const door = {
      camera: 'door',
      state: 'streaming',
      detail: '',
      since: time,
      captureRate: 1,
      inferenceRate: 1,
      nextRetry: null,
    };
    await vi.waitFor(async () => expect((await state()).cameras).toHaveLength(1), WAIT);
    await link.publish(gate.cameraState('door'), JSON.stringify(door), { retain: true });
    await link.publish(gate.inference('door'), nextEnvelope());
    const metrics = async () => (await fetch(`http://127.0.0.1:${backend!.port}/metrics`)).text();
    await vi.waitFor(
      async () => expect(await metrics()).toMatch(/blindsight_answers_total\{camera="door",result="\w+"\} 1/),
      WAIT,
    );
    await vi.waitFor(
      () => expect(told.get(HOME_ASSISTANT.device('blindsight_yard_camera_door'))).toContain('"answer"'),
      WAIT,
    );
    expect([...told.keys()].sort()).toEqual(
      ['camera_door', 'gateway_gate', 'site_yard'].map((id) =>
        HOME_ASSISTANT.device(`blindsight_yard_${id}`),
      ),
    );
    await watcher.close();
  });

  it('closes when its signal aborts', async () => {
    const stop = new AbortController();
    backend = await runBackend({ config, log, signal: stop.signal });
    stop.abort();
    await backend.close();
    await expect(fetch(`http://127.0.0.1:${backend.port}/healthz`)).rejects.toThrow();
  });
});
