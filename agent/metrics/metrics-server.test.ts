import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { readMetrics } from '#runtime/testing/read-metrics.ts';
import { AgentMetrics } from './agent-metrics.ts';
import { MetricsServer } from './metrics-server.ts';
import type { Snapshot } from './snapshot.ts';

const WAIT = { timeout: 60_000 };

const lines: string[] = [];
const log = createLogger({
  name: 'test',
  level: 'info',
  format: 'json',
  destination: { write: (line) => lines.push(line) },
});
const HEALTHY: Snapshot = {
  site: 'yard',
  gateway: 'gate-1',
  version: '0.1.0',
  nowMs: 1_000_000,
  cameras: [
    {
      camera: 'door',
      state: 'streaming',
      detail: '640 × 480',
      since: '2026-01-01T00:00:00Z',
      captureRate: 5,
      inferenceRate: 4,
      nextRetry: null,
      lastLines: ['rtsp://ann:geheimnis@camera'],
    },
  ],
  pictures: { captured: 9, superseded: 1, answered: 7, failed: 1 },
  outbox: { waiting: 2, bytes: 70_000, dropped: 3, oldestSeconds: 5 },
  openings: { kept: 12, bytes: 17_000, dropped: 3, missing: 2, answered: 5, ignored: 1 },
  isLinkUp: true,
  obstacle: null,
  reported: {
    bundle: {
      status: 'active',
      active: 'a'.repeat(64),
      previous: null,
      counter: 4,
      progress: 1,
      subject: 'a'.repeat(64),
      error: null,
    },
    configuration: {
      status: 'applied',
      version: 3,
      running: 3,
      since: '2026-01-01T00:00:00Z',
      drift: false,
      error: null,
    },
  },
  isRunning: true,
  stuckMs: 0,
  certificateEndMs: 1_000_000 + 40 * 24 * 3_600_000,
};

let snapshot = HEALTHY;
const clock = new SimulatedClock();

async function serve() {
  const metrics = new AgentMetrics(() => snapshot, tmpdir());
  const server = new MetricsServer({ metrics, clock, log });
  onTestFinished(() => server.close());
  await server.apply({ enabled: true, port: 0 });
  return { metrics, server };
}

function ask(port: number, path: string, { host = 'localhost', method = 'GET' } = {}) {
  return new Promise<{ status: number; body: string; type: string }>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, method, headers: { host: `${host}:${port}` } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, type: response.headers['content-type'] ?? '' }),
      );
    })
      .on('error', reject)
      .end();
  });
}

/** Every sample of a text without mistakes. */
function parse(text: string): Map<string, number> {
  const { metrics, mistakes } = readMetrics(text);
  expect(mistakes).toEqual([]);
  return new Map(metrics.flatMap(({ values }) => [...values]));
}

describe('metrics and health of a gateway', () => {
  afterEach(() => {
    snapshot = HEALTHY;
    lines.length = 0;
  });

  it('are told in the format of Prometheus, parsed strictly', async () => {
    const { server, metrics } = await serve();
    metrics.observe({ prepareMs: 20, encryptMs: 30, evaluateMs: 200 }, 300);
    metrics.dropped(2, 'age');
    const { status, body, type } = await ask(server.port!, '/metrics');
    expect({ status, type }).toEqual({
      status: 200,
      type: expect.stringMatching(/^text\/plain; version=0\.0\.4/),
    });
    const values = parse(body);
    const get = (series: string) => values.get(`blindsight_agent_${series}`);
    expect(get('cameras{state="streaming"}')).toBe(1);
    expect(get('cameras{state="stalled"}')).toBe(0);
    expect(get('camera_streaming{camera="door"}')).toBe(1);
    expect(get('pictures_total{fate="superseded"}')).toBe(1);
    expect(get('pictures_total{fate="answered"}')).toBe(7);
    expect(get('pictures_captured_total{}')).toBe(9);
    expect(get('picture_seconds_bucket{le="0.25",step="evaluate"}')).toBe(1);
    expect(get('picture_seconds_bucket{le="0.1",step="evaluate"}')).toBe(0);
    expect(get('picture_seconds_sum{step="total"}')).toBe(0.3);
    expect(get('outbox_answers{}')).toBe(2);
    expect(get('outbox_bytes{}')).toBe(70_000);
    expect(get('outbox_oldest_seconds{}')).toBe(5);
    expect(get('dropped_total{cause="age"}')).toBe(2);
    expect(get('dropped_total{cause="disk"}')).toBe(0);
    expect(get('outbox_dropped_total{}')).toBe(3);
    expect(get('certificate_expires_in_seconds{}')).toBe(40 * 24 * 3600);
    expect(get('link_up{}')).toBe(1);
    expect(get('release{}')).toBe(4);
    expect(get('configuration_version{}')).toBe(3);
    expect(get(`bundle_info{digest="${'a'.repeat(64)}",status="active"}`)).toBe(1);
    expect(get('disk_free_bytes{}')).toBeGreaterThan(0);
    expect(get('disk_size_bytes{}')).toBeGreaterThan(get('disk_free_bytes{}')!);
    expect(body).not.toContain('geheimnis');
  });

  it('show the present: a camera that is gone and another network leave no series behind, and counters do not count twice', async () => {
    const { server } = await serve();
    await ask(server.port!, '/metrics');
    snapshot = {
      ...HEALTHY,
      cameras: [],
      pictures: { ...HEALTHY.pictures, answered: 8 },
      certificateEndMs: null,
      reported: {
        bundle: { ...HEALTHY.reported.bundle, status: 'none', active: null },
        networks: [{ ...HEALTHY.reported.bundle, network: 'carpark', status: 'fetching', active: null }],
      },
    };
    const values = parse((await ask(server.port!, '/metrics')).body);
    const about = (name: string) =>
      [...values.keys()].filter((series) => series.startsWith(`blindsight_agent_${name}{`));
    expect(about('camera_streaming')).toEqual([]);
    expect(about('bundle_info')).toEqual([
      'blindsight_agent_bundle_info{digest="",status="none"}',
      'blindsight_agent_bundle_info{network="carpark",digest="",status="fetching"}',
    ]);
    expect(values.get('blindsight_agent_pictures_total{fate="answered"}')).toBe(8);
    expect(about('certificate_expires_in_seconds')).toEqual([]);
    expect(about('configuration_version')).toEqual([]);
  });

  it('say ok, or each reason why not', async () => {
    const { server } = await serve();
    const health = async () => {
      const { status, body } = await ask(server.port!, '/healthz');
      return { status, ...(JSON.parse(body) as object) };
    };
    expect(await health()).toEqual({ status: 'ok', version: '0.1.0', reasons: [] });
    expect((await ask(server.port!, '/healthz')).status).toBe(200);
    snapshot = {
      ...HEALTHY,
      cameras: [{ ...HEALTHY.cameras[0]!, state: 'stalled', detail: 'no picture for 10 s' }],
      obstacle: 'the backend is offline',
      isRunning: false,
      stuckMs: 61_000,
      certificateEndMs: 0,
      outbox: { ...HEALTHY.outbox, trouble: { code: 'DISK_FULL', message: 'the disk is full' } },
    };
    const troubled = await ask(server.port!, '/healthz');
    expect(troubled.status).toBe(503);
    expect(JSON.parse(troubled.body)).toEqual({
      status: 'troubled',
      version: '0.1.0',
      reasons: [
        'no picture has been finished for 61 s',
        'its certificate has expired',
        'the backend is offline',
        'answers are lost: the disk is full',
        'no network runs',
        'camera door sends no pictures: no picture for 10 s',
      ],
    });
    expect(troubled.body).not.toContain('geheimnis');
  });

  it('are told on loopback only, to its own names, by GET, and nothing else is there', async () => {
    const { server } = await serve();
    const port = server.port!;
    expect((await ask(port, '/metrics', { host: 'evil.example' })).status).toBe(403);
    expect((await ask(port, '/metrics', { method: 'POST' })).status).toBe(405);
    expect((await ask(port, '/metrics', { method: 'HEAD' })).body).toBe('');
    expect((await ask(port, '/../etc/passwd')).status).toBe(404);
    expect((await ask(port, '/')).status).toBe(404);
  });

  it('wait for a port that is taken, tell it once, and keep nothing else from working', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const metrics = new AgentMetrics(() => snapshot, tmpdir());
    const server = new MetricsServer({ metrics, clock, log });
    onTestFinished(() => server.close());
    await server.apply({ enabled: true, port });
    expect(server.port).toBeNull();
    await clock.advance(30_000);
    await clock.advance(30_000);
    expect(lines.filter((line) => line.includes(`metrics cannot be served on port ${port}`))).toHaveLength(1);
    other.close();
    await once(other, 'close');
    await vi.waitFor(async () => {
      await clock.advance(30_000);
      expect(server.port).toBe(port);
    }, WAIT);
    await server.apply({ enabled: false, port });
    expect(server.port).toBeNull();
    await server.apply({ enabled: true, port: 0 });
    expect((await ask(server.port!, '/healthz')).status).toBe(200);
  });
});
