import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PushedSettings } from '#config/schema.ts';
import { decodeConfiguration } from '#protocol/configuration.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { SiteView } from '../results/site-view.ts';
import { makeTestSite, type TestSite } from '../testing/test-site.ts';
import { EventHub } from './event-hub.ts';
import { startApi } from './server.ts';

const TOKEN = 'a-long-token-for-tests';
const lines: string[] = [];
const log = createLogger({
  name: 'test',
  level: 'debug',
  format: 'json',
  destination: { write: (line) => lines.push(line) },
});

describe('settings of gateways by the API', () => {
  let site: TestSite;
  let server: Awaited<ReturnType<typeof startApi>>;

  beforeEach(async () => {
    site = await makeTestSite();
    await site.store.gateways.add({
      name: 'gate',
      signingKey: 'PEM',
      sealingKey: generateKeyPairSync('x25519').publicKey.export({ format: 'pem', type: 'spki' }) as string,
      certificateSerial: '01',
      certificateEndMs: 9,
      enrolledMs: 5,
    });
    const view = new SiteView(site.name, site.store, systemClock);
    const snapshot = () => view.snapshot();
    server = await startApi({
      ...{ site, snapshot, log, clock: systemClock, host: '127.0.0.1', port: 0, token: TOKEN },
      isStuck: () => false,
      broker: () => view.broker,
      hub: new EventHub(snapshot, () => {}),
      pageDirectory: '/nowhere',
    });
  });
  afterEach(async () => {
    await server.close();
    await site.close();
  });

  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` },
  ) => {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/gateways/${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const settings = 'cameras:\n  - { name: door, url: "rtsp://a/b", credentials: door.credentials }\n';
  const credentials = { door: 'ann:geheimnis' };

  it('are pushed, shown, listed and rolled back, and passwords never shown or logged', async () => {
    expect(await call('GET', 'gate/configuration')).toMatchObject({
      status: 404,
      body: { error: { code: 'CONFIGURATION_NOT_FOUND' } },
    });
    const first = await call('PUT', 'gate/configuration', {
      settings,
      credentials,
      expectedVersion: 0,
      author: 'ann',
    });
    expect(first).toMatchObject({
      status: 202,
      body: { version: 1, status: 'pending', author: 'ann', warnings: [] },
    });
    await call('PUT', 'gate/configuration', { settings: 'cameras: []', expectedVersion: 1 });
    const back = await call('POST', 'gate/configuration/rollback', { version: 1, expectedVersion: 2 });
    expect(back).toMatchObject({ status: 202, body: { version: 3, author: 'the API' } });
    const shown = await call('GET', 'gate/configuration');
    expect(shown).toMatchObject({
      status: 200,
      body: { version: 3, settings, credentials: ['door'], running: null },
    });
    expect((await call('GET', 'gate/configuration?version=2')).body).toMatchObject({
      settings: 'cameras: []',
    });
    const history = await call('GET', 'gate/configuration/history');
    expect(history.body).toMatchObject([{ version: 3 }, { version: 2 }, { version: 1 }]);
    const { wire } = (await site.store.configurations.newest('gate'))!;
    expect(decodeConfiguration(wire).configuration.credentials).toHaveLength(1);
    expect(JSON.stringify([first, back, shown, history, lines])).not.toContain('geheimnis');
  });

  it.each([
    [
      'a mistake',
      { settings: 'cameras: 3', expectedVersion: 0 },
      422,
      'CONFIG_INVALID',
      'settings:1:10: cameras: expected',
    ],
    [
      'a foreign base',
      { settings: 'cameras: []', expectedVersion: 4 },
      409,
      'CONFIGURATION_CONFLICT',
      'none were pushed',
    ],
    ['no base', { settings: 'cameras: []' }, 400, 'API_REQUEST_INVALID', 'expectedVersion'],
    ['nothing', { settings: '', expectedVersion: 0 }, 422, 'CONFIG_INVALID', 'settings:1:1'],
    ['too much', { settings: 'x'.repeat(2 ** 20), expectedVersion: 0 }, 413, 'API_REQUEST_INVALID', ''],
    [
      'more than a configuration carries',
      { settings: `# ${'x'.repeat(140_000)}\ncameras: []`, expectedVersion: 0 },
      422,
      'CONFIGURATION_INVALID',
      '',
    ],
  ])('are refused with %s, and nothing is changed', async (_, body, status, code, message) => {
    const refused = await call('PUT', 'gate/configuration', body);
    expect(refused).toMatchObject({ status, body: { error: { code } } });
    expect(refused.body.error.message).toContain(message);
    expect(await site.store.configurations.history('gate')).toEqual([]);
  });

  it('are looked over before a push: what changes, what is risked, what is wrong, and nothing is kept', async () => {
    const look = (body: object) => call('POST', 'gate/configuration/preview', body);
    expect(await look({ settings, credentials })).toMatchObject({
      status: 200,
      body: { error: null, risks: [], against: null, lines: ['+cameras:', expect.stringContaining('door')] },
    });
    await call('PUT', 'gate/configuration', { settings, credentials, expectedVersion: 0 });
    await call('PUT', 'gate/configuration', { settings: 'cameras: []', expectedVersion: 1 });
    await site.store.configurations.setRunning('gate', { running: 1, drift: false });
    // Against what runs, else against what is asked for.
    const masked = `${settings}log: { level: warn }\n`;
    expect((await look({ settings: masked })).body).toMatchObject({
      against: 1,
      lines: [' cameras:', expect.stringMatching(/^ {3}- \{ name: door/), '+log: { level: warn }'],
    });
    expect((await look({ settings: masked, against: 2 })).body).toMatchObject({
      against: 2,
      lines: ['-cameras: []', '+cameras:', expect.anything(), '+log: { level: warn }'],
    });
    const wrong = await look({ settings: settings.replace('rtsp://a/b', 'http://a/b'), credentials });
    expect(wrong).toMatchObject({ status: 200, body: { error: { code: 'CONFIG_INVALID' }, against: 1 } });
    expect(wrong.body.error.message).toMatch(/^settings:2:24: cameras\[0\]\.url: expected rtsp:/);
    const bare = await look({ settings: settings.replace('door,', 'hall,') });
    expect(bare.body.error).toMatchObject({ code: 'CONFIGURATION_CREDENTIAL' });
    expect(await look({ settings, against: 9 })).toMatchObject({ status: 404 });
    expect(await call('POST', 'nobody/configuration/preview', { settings })).toMatchObject({ status: 404 });
    expect(await site.store.configurations.history('gate')).toHaveLength(2);
    expect(JSON.stringify([wrong, bare, lines])).not.toContain('geheimnis');
  });

  it('come with their schema, of which the page makes its form', async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/configuration/schema`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const { properties } = (await response.json()) as { properties: Record<string, unknown> };
    expect(Object.keys(properties)).toEqual(Object.keys(PushedSettings.shape));
    expect(properties).toMatchObject({
      outbox: { properties: { maxMegabytes: { default: 256, title: 'Space' } } },
      cameras: { items: { required: ['name', 'url'] } },
    });
  });

  it('are refused to whom the token is missing, and to pages of other origins, even with its cookie', async () => {
    const body = { settings: 'cameras: []', expectedVersion: 0 };
    expect((await call('PUT', 'gate/configuration', body, {})).status).toBe(401);
    expect((await call('GET', 'gate/configuration', undefined, {})).status).toBe(401);
    const authorization = `Bearer ${TOKEN}`;
    const own = `127.0.0.1:${server.port}`;
    for (const forged of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: `http://127.0.0.1:${server.port + 1}` },
    ])
      expect(await call('PUT', 'gate/configuration', body, { authorization, ...forged })).toMatchObject({
        status: 403,
        body: { error: { code: 'API_ORIGIN_REFUSED' } },
      });
    expect(await site.store.configurations.history('gate')).toEqual([]);
    const page = { authorization, origin: `http://${own}` };
    expect((await call('PUT', 'gate/configuration', body, page)).status).toBe(202);
  });
});
