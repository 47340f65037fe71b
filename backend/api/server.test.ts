import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { History, SiteState } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { removeGateway } from '../operations/remove-gateway.ts';
import { SiteView } from '../results/site-view.ts';
import type { ResultRecord } from '../store/results.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { EventHub } from './event-hub.ts';
import { isLoopback, readToken } from './security.ts';
import { startApi } from './server.ts';

const WAIT = { timeout: 60_000 };

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const TOKEN = 'a-long-token-for-tests';

function makeResult(frameMs: number, occupied: number): Result {
  return {
    camera: 'door',
    model: 'counter',
    modelVersion: 1,
    label: occupied > 0.5 ? 'occupied' : 'empty',
    probability: Math.max(occupied, 1 - occupied),
    probabilities: { empty: 1 - occupied, occupied },
    frameTime: new Date(frameMs).toISOString(),
    sequence: 1,
    historical: false,
    latencyMs: { prepare: 1, encrypt: 2, evaluate: 3, transport: 4, decrypt: 5, total: 15 },
  };
}

describe('the API', () => {
  let site: TestSite;
  let view: SiteView;
  let hub: EventHub;
  let stuck: boolean;
  let server: Awaited<ReturnType<typeof startApi>> | null;
  let url: string;

  beforeEach(async () => {
    site = await makeTestSite();
    view = new SiteView(site.name, site.store, systemClock);
    hub = new EventHub(
      () => view.snapshot(),
      () => {},
    );
    stuck = false;
    server = null;
  });
  afterEach(async () => {
    await server?.close();
    hub.close();
    await site.close();
  });

  it('answers while 1000 connections ask nothing, also from the address of who asks', async () => {
    await start();
    const idle: Socket[] = [];
    for (let i = 0; i < 1000; i++) {
      const socket = connect(server!.port, '127.0.0.1').on('error', () => undefined);
      // Some begin a request and do not end it.
      if (i % 2 === 0) socket.write('GET /healthz HTTP/1.1\r\nx: ');
      idle.push(socket);
      if (i % 50 === 0) await once(socket, 'connect');
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await vi.waitFor(
      () => expect(idle.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(257),
      WAIT,
    );
    for (const socket of idle) socket.destroy();
  });

  async function start(
    token: string | null = null,
    pageDirectory = '/nowhere',
    clock: Clock = systemClock,
  ): Promise<void> {
    server = await startApi({
      site,
      snapshot: () => view.snapshot(),
      isStuck: () => stuck,
      broker: () => view.broker,
      hub,
      clock,
      log,
      host: '127.0.0.1',
      port: 0,
      token,
      pageDirectory,
    });
    url = `http://127.0.0.1:${server.port}`;
  }

  function recordOf(frameMs: number, sequence: number, results: readonly Result[]): ResultRecord {
    const place = { gateway: 'gate', session: 1, sequence, digest: 'a'.repeat(64), camera: 'door' };
    return { ...place, model: 'counter', version: 1, frameMs, storedMs: frameMs, withheld: null, results };
  }

  async function store(frameMs: number, occupied: number, sequence: number): Promise<void> {
    await site.store.results.add(recordOf(frameMs, sequence, [makeResult(frameMs, occupied)]));
  }

  it('answers the state of an empty site', async () => {
    await start();
    const response = await fetch(`${url}/api/state`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      site: 'yard',
      broker: { connected: false, detail: 'not connected yet' },
      gateways: [],
      cameras: [],
      models: [],
      counters: { accepted: 0, duplicates: 0, gaps: 0, refused: {}, withheld: 0 },
      endingCertificates: [],
      alerts: { open: [], count: 0 },
    } satisfies Partial<SiteState>);
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('answers history as columns, and the journal newest first', async () => {
    await start();
    const now = Date.now();
    await store(now - 7_200_000, 0.9, 0);
    await store(now - 60_000, 0.25, 1);
    await store(now - 30_000, 0.75, 2);
    const response = await fetch(`${url}/api/cameras/door/history?minutes=60`);
    expect((await response.json()) as History).toEqual({
      camera: 'door',
      labels: ['empty', 'occupied'],
      times: [now - 60_000, now - 30_000],
      probabilities: [
        [0.75, 0.25],
        [0.25, 0.75],
      ],
      answers: [1, 1],
      slotMs: 0,
      withheld: [],
    });
    const left = await fetch(`${url}/api/cameras/door/history?region=left`);
    expect(await left.json()).toEqual({
      camera: 'door',
      region: 'left',
      labels: [],
      times: [],
      probabilities: [],
      answers: [],
      slotMs: 0,
      withheld: [],
    });
    for (const code of ['MODEL_PROTECTED', 'MODEL_RELEASED'] as const) {
      await site.store.journal.add({ timeMs: 1, level: 'warn', code, subject: 'x', message: 'm' });
    }
    const journal = (await (await fetch(`${url}/api/journal?limit=1`)).json()) as { code: string }[];
    expect(journal.map((entry) => entry.code)).toEqual(['MODEL_RELEASED']);
  });

  it('answers a whole hour of ten answers a second in bounded size, with what was withheld, and nothing of the future', async () => {
    const now = Date.now();
    // The hour stands still, however long it takes to store it.
    await start(null, '/nowhere', { ...systemClock, now: () => now });
    const first = Math.ceil((now - 3_595_000) / 5000) * 5000;
    await site.store.transaction(async (inside) => {
      for (let index = 0; index < 35_890; index++) {
        const frameMs = first + index * 100;
        const seen = index === 20_000 ? 1 : 0;
        await inside.results.add(recordOf(frameMs, index, [makeResult(frameMs, seen)]));
      }
      for (const [index, frameMs] of [first + 1_800_050, first + 1_800_150, now + 600_000].entries()) {
        await inside.results.add({ ...recordOf(frameMs, 40_000 + index, []), withheld: 'range' });
      }
      await inside.results.add(recordOf(now + 700_000, 50_000, [makeResult(now + 700_000, 1)]));
    });
    const text = await (await fetch(`${url}/api/cameras/door/history?minutes=60`)).text();
    expect(text.length).toBeLessThan(200_000);
    const { times, probabilities, answers, withheld } = JSON.parse(text) as History;
    expect(answers.reduce((sum, count) => sum + count, 0)).toBe(35_890);
    expect(times[0]! - first).toBeLessThan(5000);
    expect(times.at(-1)).toBeLessThanOrEqual(now);
    expect(probabilities[1]![times.indexOf(first + 2_000_000)]).toBe(1);
    expect(withheld).toEqual([first + 1_800_150]);
  });

  it('leaves nothing behind on a connection that asks for many histories', async () => {
    await start();
    const warnings: string[] = [];
    const note = ({ message }: Error) => warnings.push(message);
    process.on('warning', note);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<Socket>();
    for (let count = 0; count < 12; count++) {
      await new Promise<void>((resolve) => {
        const asked = request(`${url}/api/cameras/door/history`, { agent }, (response) => {
          sockets.add(response.socket);
          response.resume().once('end', resolve);
        });
        asked.end();
      });
    }
    agent.destroy();
    process.off('warning', note);
    expect(sockets.size).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('stops reading a history where nobody waits for it any more', async () => {
    await start();
    const rows = Array.from({ length: 1000 }, (_, index) => ({
      frameMs: index,
      result: makeResult(index, 1),
    }));
    // Full pages without end: a thousand of them are read as long as the client stays.
    const read = vi.spyOn(site.store.results, 'history').mockImplementation(async () => {
      await setTimeout(5);
      return rows;
    });
    const asked = request(`${url}/api/cameras/door/history`).on('error', () => undefined);
    asked.end();
    await vi.waitFor(() => expect(read).toHaveBeenCalled(), WAIT);
    asked.destroy();
    await vi.waitFor(async () => {
      const before = read.mock.calls.length;
      await setTimeout(100);
      expect(read.mock.calls.length).toBe(before);
    }, WAIT);
    expect(read.mock.calls.length).toBeLessThan(1000);
  });

  it.each([
    '/api/cameras/door/history?minutes=0',
    '/api/cameras/door/history?minutes=abc',
    '/api/cameras/door/history?minutes=99999999',
    '/api/cameras/Bad%20Name/history',
    '/api/cameras/door/history?region=Bad%20Name',
    '/api/journal?limit=5000',
  ])('refuses %s', async (path) => {
    await start();
    expect((await fetch(url + path)).status).toBe(400);
  });

  it('sends the state first and then what changes', async () => {
    await start();
    const response = await fetch(`${url}/api/events`);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const until = async (pattern: RegExp) => {
      while (!pattern.test(text)) text += (await reader.read()).value ?? '';
    };
    await until(/event: state\ndata: .*"connected":false.*\n\n/);
    hub.publish({ type: 'result', data: makeResult(0, 0.9) });
    await until(/event: result\ndata: .*"label":"occupied".*\n\n/);
    view.setBroker(true, 'connected');
    for (let repeat = 0; repeat < 20; repeat++) hub.stateChanged();
    await until(/"connected":true/);
    expect(text.match(/event: state/g)).toHaveLength(2);
    await reader.cancel();
  });

  it('serves metrics and its health', async () => {
    await start();
    await site.store.counters.add('refused.signature', 3);
    // Made so that its certificate of five years ends in twenty and a half days.
    const enrolledMs = Date.now() - (5 * 365 - 20.5) * 86_400_000;
    await enrolTestGateway(site, 'gate-1', '01', Math.round(enrolledMs));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('blindsight_envelopes_total{outcome="refused.signature"} 3');
    expect(metrics).toContain('blindsight_broker_connected 0');
    const left = /blindsight_certificate_expires_in_seconds\{owner="gateway",name="gate-1"\} (\S+)/.exec(
      metrics,
    );
    expect(Math.floor(Number(left?.[1]) / 86_400)).toBe(20);
    // Each request tells of its own moment, and nothing of who is gone.
    view.setBroker(true, '');
    await removeGateway(site, 'gate-1');
    const later = await (await fetch(`${url}/metrics`)).text();
    expect(later).toContain('blindsight_broker_connected 1');
    expect(later).not.toContain('gate-1');
    view.setBroker(false, 'nothing listens at mqtts://localhost:8883');
    const health = await fetch(`${url}/healthz`);
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({
      status: 'ok',
      broker: { connected: false, detail: 'nothing listens at mqtts://localhost:8883' },
    });
    stuck = true;
    expect((await fetch(`${url}/healthz`)).status).toBe(503);
  });

  it('answers to names of this machine only while it has no token', async () => {
    await start();
    const statusFor = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const call = request(`${url}/api/state`, { headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        call.on('error', reject);
        call.end();
      });
    expect(await statusFor('evil.example')).toBe(403);
    expect(await statusFor(`evil.example:${server!.port}`)).toBe(403);
    expect(await statusFor('localhost:8480')).toBe(200);
    expect(await statusFor('[::1]:8480')).toBe(200);
  });

  it('wants the token in a header or a cookie, never in the address', async () => {
    await start(TOKEN);
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(url + path, { headers })).status;
    for (const path of [
      '/api/state',
      '/metrics',
      '/api/journal',
      '/api/events',
      `/api/state?token=${TOKEN}`,
    ]) {
      expect(await status(path), path).toBe(401);
    }
    for (const path of ['//api/state', '/%61pi/state', '/API/state']) {
      expect(await status(path), path).not.toBe(200);
    }
    expect(await status('/healthz')).toBe(200);
    const health = async (headers = {}) => (await fetch(`${url}/healthz`, { headers })).json();
    expect((await health()).broker).toEqual({ connected: false });
    // How much waits would tell a gateway's master how long decryptions take.
    expect(await health()).not.toHaveProperty('waiting');
    expect(await health({ authorization: `Bearer ${TOKEN}x` })).not.toHaveProperty('waiting');
    expect(await health({ authorization: `Bearer ${TOKEN}` })).toHaveProperty('waiting', 0);
    expect(await status('/api/state', { authorization: `Bearer ${TOKEN}` })).toBe(200);
    expect(await status('/api/state', { authorization: `Bearer ${TOKEN}x` })).toBe(401);

    const login = (token: string) =>
      fetch(`${url}/api/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      });
    expect((await login('wrong')).status).toBe(401);
    const response = await login(TOKEN);
    expect(response.status).toBe(204);
    const cookie = response.headers.get('set-cookie')!;
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    expect(cookie).not.toContain(TOKEN);
    expect(await status('/api/state', { cookie: cookie.split(';')[0]! })).toBe(200);
    expect(await status('/api/state', { cookie: 'blindsight=x' })).toBe(401);
  });

  it('serves the page where it is built, and says so where it is not', async () => {
    await start();
    expect(await (await fetch(url)).text()).toContain('The page is not built');
    await server!.close();
    const directory = mkdtempSync(join(tmpdir(), 'blindsight-page-'));
    writeFileSync(join(directory, 'index.html'), '<title>Page</title>');
    await start(null, directory);
    expect(await (await fetch(url)).text()).toContain('<title>Page</title>');
    expect((await fetch(`${url}/../../package.json`)).status).toBe(404);
    rmSync(directory, { recursive: true });
  });

  it('does not start on an address that is taken', async () => {
    await start();
    const second = startApi({
      site,
      snapshot: () => view.snapshot(),
      isStuck: () => false,
      broker: () => view.broker,
      hub,
      clock: systemClock,
      log,
      host: '127.0.0.1',
      port: server!.port,
      token: null,
    });
    await expect(second).rejects.toMatchObject({ code: 'API_PORT_TAKEN' });
  });
});

describe('the token', () => {
  it('may be left out, and must be long', async () => {
    expect(await readToken(undefined)).toBeNull();
    const directory = mkdtempSync(join(tmpdir(), 'blindsight-token-'));
    const file = join(directory, 'token');
    writeFileSync(file, 'short\n', { mode: 0o600 });
    await expect(readToken(file)).rejects.toMatchObject({ code: 'API_TOKEN_WEAK' });
    writeFileSync(file, `${TOKEN}\n`);
    expect(await readToken(file)).toBe(TOKEN);
    rmSync(directory, { recursive: true });
  });

  it.each([
    ['127.0.0.1', true],
    ['127.8.8.8', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['127.evil.example', false],
  ])('knows whether %s is this machine', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});
