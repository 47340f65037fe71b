import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runAgent } from '#agent/main.ts';
import { RtspServer } from '#agent/testing/rtsp-server.ts';
import { openAuthority } from '#backend/enrolment/open-authority.ts';
import { type RunningBackend, runBackend } from '#backend/main.ts';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { protectModel } from '#backend/operations/protect-model.ts';
import { openSite, type Site } from '#backend/site.ts';
import { type Broker, startBroker } from '#broker/main.ts';
import { loadConfig } from '#config/load.ts';
import { AgentConfig, BackendConfig, BrokerConfig } from '#config/schema.ts';
import type { History, SiteState } from '#protocol/api.ts';
import { Result } from '#protocol/messages.ts';
import { siteTopics } from '#protocol/topics.ts';
import { systemClock } from '#runtime/clock.ts';
import { connectLink, type Link } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { freePort } from '../demo/ports.ts';
import { writeBrightness } from './testing/brightness.ts';

const log = createLogger({
  name: 'test',
  level: 'error',
  format: 'json',
  destination: { write: (line) => process.stderr.write(line) },
});
const half = { y: 0.2, height: 0.6, width: 0.3 };
/** The picture is dark on the left and bright on the right; a network for two regions takes these with two ciphertexts. */
const REGIONS = [
  { name: 'right', x: 0.6, ...half },
  { name: 'left', x: 0.1, ...half },
  { name: 'right-again', x: 0.65, ...half },
];
const LABELS = { right: 'bright', left: 'dark', 'right-again': 'bright' };

/** From a camera's stream to published results, all parts real: RTSP, ffmpeg, encryption, MQTT over TLS, decryption. */
describe('a camera with several regions', () => {
  let folder: string;
  let camera: RtspServer;
  let site: Site;
  let broker: Broker;
  let backend: RunningBackend;
  let cockpit: Link;
  let agent: Promise<void>;
  const stop = new AbortController();
  /** What a cockpit was told, by topic. */
  const heard = new Map<string, Result[]>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-regions-'));
    camera = await RtspServer.start();
    const brokerPort = await freePort(0);
    const brokerUrl = `mqtts://localhost:${brokerPort}`;
    await initializeSite(join(folder, 'site'), 'yard', { brokerPort, apiPort: 0 });
    const config = await loadConfig(join(folder, 'site/backend.yaml'), BackendConfig);
    site = await openSite(config);
    const model = await protectModel({ site, network: await writeBrightness(folder), regions: 2 });
    expect(model.interpretation).toMatchObject({ regions: 2, labels: ['bright', 'dark'] });
    const { configFile } = await enrolGateway({
      site,
      name: 'gate',
      outDirectory: join(folder, 'gate'),
      brokerUrl,
    });
    await deployModel({ site, model: 'brightness', gateway: 'gate' });

    broker = await startBroker({
      config: await loadConfig(join(folder, 'site/broker.yaml'), BrokerConfig),
      log,
    });
    backend = await runBackend({ config, log, signal: stop.signal });
    const authority = await openAuthority(site.store, site.vault);
    const issued = await authority.issue({ kind: 'cockpit', commonName: 'cockpit', days: 1 });
    cockpit = connectLink({
      url: brokerUrl,
      ca: authority.certificate,
      ...issued,
      clientId: 'cockpit',
      clock: systemClock,
      log,
    });
    const topics = siteTopics('yard');
    for (const filter of [topics.results, topics.regionResults]) {
      cockpit.subscribe(filter, (topic, payload) => {
        const result = Result.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
        heard.set(topic, [...(heard.get(topic) ?? []), result]);
      });
    }
    const agentConfig = await loadConfig(configFile, AgentConfig);
    const cameras = AgentConfig.shape.cameras.parse([
      { name: 'hall', url: `rtsp://127.0.0.1:${camera.port}/halves`, rate: 4, regions: REGIONS },
    ]);
    const inference = { interpreter: 'engine', threads: 1 } as const;
    agent = runAgent({ config: { ...agentConfig, cameras, inference }, log, signal: stop.signal });
  }, 60_000);

  afterAll(async () => {
    stop.abort();
    await agent;
    await cockpit?.close();
    await backend?.close();
    await broker?.close();
    await site?.close();
    await camera?.stop();
    rmSync(folder, { recursive: true });
  });

  it('gives one result for each region of the same picture', async () => {
    const topic = (region: string) => siteTopics('yard').result('hall', region);
    await vi.waitFor(
      () => {
        for (const { name } of REGIONS) expect(heard.get(topic(name))?.length).toBeGreaterThan(2);
      },
      { timeout: 40_000, interval: 50 },
    );
    expect([...heard.keys()].sort()).toEqual(REGIONS.map(({ name }) => topic(name)).sort());
    for (const [name, label] of Object.entries(LABELS)) {
      for (const result of heard.get(topic(name))!) {
        expect(result).toMatchObject({ camera: 'hall', region: name, model: 'brightness', label });
        expect(result.probability).toBeGreaterThan(0.9);
      }
    }
    // Two of the three share a ciphertext, the third has one of its own about the same picture.
    const [right, left, again] = REGIONS.map(({ name }) => heard.get(topic(name))![1]!);
    expect(left!.sequence).toBe(right!.sequence);
    expect(left!.frameTime).toBe(right!.frameTime);
    expect(again!.sequence).toBe(right!.sequence + 1);
    expect(again!.frameTime).toBe(right!.frameTime);
  }, 60_000);

  it('shows them under the camera, with a history of each', async () => {
    const get = async <T>(path: string): Promise<T> =>
      (await (await fetch(`http://127.0.0.1:${backend.port}${path}`)).json()) as T;
    const state = await get<SiteState>('/api/state');
    expect(state.cameras).toMatchObject([
      {
        camera: 'hall',
        result: null,
        state: { state: 'streaming' },
        regions: REGIONS.map(({ name: region }) => ({
          region,
          result: { region, label: LABELS[region as keyof typeof LABELS] },
        })),
      },
    ]);
    expect(state.counters).toMatchObject({ gaps: 0, withheld: 0, refused: {} });
    const history = await get<History>('/api/cameras/hall/history?region=left');
    expect(history.times.length).toBeGreaterThan(2);
    expect(new Set(history.times).size).toBe(history.times.length);
    const whole = await get<History>('/api/cameras/hall/history');
    expect(whole.times).toEqual([]);
  });
});
