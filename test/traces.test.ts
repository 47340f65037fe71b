import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RtspServer } from '#agent/testing/rtsp-server.ts';
import { deployModel } from '#backend/operations/deploy-model.ts';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import type { SiteState } from '#protocol/api.ts';
import { OtlpReceiver, type ToldSpan } from '#runtime/testing/otlp-receiver.ts';
import { DaemonProcess } from '../demo/daemon-process.ts';
import { changeSettings } from '../demo/settings.ts';
import { type RunningSite, startRunningSite } from './testing/running-site.ts';
import { BRIGHTNESS } from './testing/two-logits.ts';

const WAIT = { timeout: 120_000, interval: 100 };
/** In the order in which they begin. */
const ON_GATEWAY = ['capture', 'prepare', 'encrypt', 'evaluate', 'outbox', 'publish'];
const IN_BACKEND = ['receive', 'wait', 'check', 'decrypt', 'settle'];
const ALL = [...ON_GATEWAY, ...IN_BACKEND];
/** Times of one clock are in whole milliseconds, and durations in parts of them. */
const ROUNDING_MS = 2;

/** A gateway in a process of its own, a backend in this one, and a collector: all real, with a camera that shows a dark and a bright half. */
describe('a site whose answers are traced', () => {
  let collector: OtlpReceiver;
  let stream: RtspServer;
  let yard: RunningSite;
  let gateway: DaemonProcess;
  let logFile: string;
  let isClosed = false;
  const wholeTraces = (): readonly (readonly ToldSpan[])[] =>
    [...collector.traces.values()].filter((spans) =>
      ['answer', ...ALL].every((stage) => spans.some(({ name }) => name === stage)),
    );
  const cameras = async () => (await yard.get<SiteState>('state')).cameras;
  const newest = async () => Date.parse((await cameras())[0]!.result!.frameTime);

  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    stream = await RtspServer.start();
    const tracing = { endpoint: collector.endpoint, share: 1 };
    yard = await startRunningSite({ tracing });
    const { site, brokerUrl, data } = yard;
    await yard.protect({ ...BRIGHTNESS, name: 'lamp', labels: ['sunlit', 'gloomy'] });
    const outDirectory = join(data, '..', 'gate');
    const { configFile } = await enrolGateway({ site, name: 'gate', outDirectory, brokerUrl });
    await deployModel({ site, model: 'lamp', gateway: 'gate' });
    const half = { x: 0.6, y: 0.2, height: 0.6, width: 0.3 };
    const url = `rtsp://viewer:hunter2@127.0.0.1:${stream.port}/halves`;
    await changeSettings(configFile, [
      [['cameras'], [{ name: 'hall', url, rate: 4, region: half }]],
      [['metrics'], { enabled: false }],
      [['tracing'], tracing],
    ]);
    mkdirSync(join(data, 'logs'), { recursive: true });
    logFile = join(data, 'logs', 'agent.log');
    gateway = new DaemonProcess('agent', configFile, logFile, () => {});
    gateway.start();
  });
  afterAll(async () => {
    await gateway?.stop();
    if (!isClosed) await yard?.close();
    await stream?.stop();
    await collector?.close();
  });

  it('has traces of both processes, in the order in which things happened', async () => {
    await expect.poll(() => wholeTraces().length, WAIT).toBeGreaterThan(2);
    for (const spans of wholeTraces()) {
      const root = spans.find(({ name }) => name === 'answer')!;
      expect(root).toMatchObject({
        parentId: '',
        resource: { 'service.name': 'blindsight-gateway', 'blindsight.gateway': 'gate' },
        attributes: { 'blindsight.camera': 'hall', 'blindsight.network': 'lamp' },
      });
      const steps = ALL.map((stage) => spans.find(({ name }) => name === stage)!);
      for (const { name, parentId, resource, attributes } of steps) {
        expect(parentId).toBe(root.spanId);
        const isOfGateway = ON_GATEWAY.includes(name);
        expect(resource['service.name']).toBe(isOfGateway ? 'blindsight-gateway' : 'blindsight-backend');
        expect(attributes).toMatchObject(
          isOfGateway ? { 'blindsight.camera': 'hall' } : { 'blindsight.gateway': 'gate' },
        );
      }
      for (const [i, step] of steps.entries()) {
        expect(step.toMs).toBeGreaterThanOrEqual(step.fromMs);
        const before = steps[i - 1];
        if (before !== undefined)
          expect(step.fromMs + ROUNDING_MS, `${step.name} after ${before.name}`).toBeGreaterThanOrEqual(
            before.fromMs,
          );
      }
      expect(root.fromMs).toBe(steps[0]!.fromMs);
    }
  });

  it('tells the collector nothing of what the camera shows', async () => {
    await expect.poll(cameras, WAIT).toMatchObject([{ camera: 'hall', result: { label: 'sunlit' } }]);
    const told = collector.bodies.join('\n');
    expect(told).not.toMatch(/sunlit|gloomy|label|probab|result|accept|withh|refus|hunter2|rtsp/i);
    const names = new Set(collector.spans.flatMap(({ attributes }) => Object.keys(attributes)));
    expect([...names].sort()).toEqual(
      ['bytes', 'camera', 'gateway', 'network'].map((name) => `blindsight.${name}`),
    );
    const { spans } = collector;
    expect(new Set(spans.map(({ name }) => name))).toEqual(new Set(['answer', ...ALL]));
    expect(told).not.toMatch(/"(events|links)":\[\{/);
    expect(told).not.toMatch(/"status":\{[^}]*"message"/);
  });

  it('goes on when the collector is ill, and says so', async () => {
    collector.status = 400;
    const now = Date.now();
    await expect.poll(newest, WAIT).toBeGreaterThan(now);
    await expect.poll(() => readFileSync(logFile, 'utf8'), WAIT).toContain('TRACING_UNAVAILABLE');
    const { counters } = await yard.get<SiteState>('state');
    expect(counters).toMatchObject({ gaps: 0, withheld: 0, refused: {} });
  });

  it('is told the last of it when gateway and backend end', async () => {
    const known = new Set(wholeTraces().map(([span]) => span!.traceId));
    collector.status = 200;
    const receivedMs = (spans: readonly ToldSpan[]) =>
      spans.find(({ name }) => name === 'receive')?.fromMs ?? 0;
    const anew = () => wholeTraces().filter(([span]) => !known.has(span!.traceId));
    await expect.poll(() => anew().length, WAIT).toBeGreaterThan(0);
    // From here on, everything is taken.
    const sinceMs = Math.min(...anew().map(receivedMs));
    const now = Date.now();
    await expect.poll(newest, WAIT).toBeGreaterThan(now);
    const beforeMs = performance.now();
    await gateway.stop();
    const tookMs = performance.now() - beforeMs;
    // It is killed after 8 s.
    if (tookMs < 8000) expect(readFileSync(logFile, 'utf8')).toContain('gateway stopped');
    await yard.close();
    isClosed = true;
    const last = [...collector.traces.values()].filter((spans) => receivedMs(spans) > sinceMs);
    expect(last.length).toBeGreaterThan(0);
    // A gateway that ends waits 3 s for its collector.
    if (tookMs < 3000) for (const spans of last) expect(spans.map(({ name }) => name)).toContain('answer');
  });
});
