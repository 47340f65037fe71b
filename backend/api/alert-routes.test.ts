import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ApiBench, PASSWORD } from '../testing/api-bench.ts';
import { Receiver } from '../testing/receiver.ts';

let bench: ApiBench;
let receiver: Receiver;
beforeAll(async () => {
  bench = await ApiBench.start();
  receiver = await Receiver.start();
  for (const [name, role] of [
    ['anna', 'owner'],
    ['bert', 'operator'],
    ['cora', 'viewer'],
  ] as const)
    await bench.add(name, role);
});
afterAll(async () => {
  await bench.close();
  await receiver.close();
});
afterEach(() => {
  receiver.behavior = (_received, response) => void response.writeHead(204).end();
});

async function as(name: string) {
  const { cookie } = await bench.logIn(name);
  return (method: string, path: string, body?: unknown) =>
    bench.call(path, { method, headers: { cookie, origin: bench.url }, ...(body !== undefined && { body }) });
}

const raise = async (name: string) =>
  (
    await bench.site.store.alerts.raise({
      ...{ rule: 'intruder', severity: 'critical', subject: { kind: 'camera', name } },
      ...{ title: `Someone at ${name}`, message: 'present', atMs: 1000, notify: ['hook'] },
    })
  ).alert;

it('takes no orders from its own alerts', async () => {
  const anna = await as('anna');
  const url = `${bench.url}/api/channels/self/test`;
  await anna('POST', '/api/channels', { name: 'self', kind: 'webhook', url, allowPrivate: true });
  const { status, body } = await anna('POST', '/api/channels/self/test');
  expect([status, body.error]).toEqual([
    502,
    { code: 'CHANNEL_REFUSED', message: expect.stringContaining('(HTTP 403)') },
  ]);
  await anna('DELETE', '/api/channels/self');
  const acts = await bench.site.store.audit.acts({ limit: 10 });
  expect(acts.map(({ actor, act, outcome }) => [actor, act, outcome])).toContainEqual([
    ...['nobody', 'channel test', 'API_ORIGIN_REFUSED'],
  ]);
});

it('shows alerts to all, and lets one of two acknowledge one', async () => {
  const [anna, bert, cora] = [await as('anna'), await as('bert'), await as('cora')];
  const alert = await raise('door');
  await raise('yard');
  expect((await cora('GET', '/api/alerts?limit=1')).body).toMatchObject([{ title: 'Someone at yard' }]);
  const state = async () => (await cora('GET', '/api/state')).body.alerts;
  expect(await state()).toMatchObject({ count: 2, open: [{ id: alert.id + 1 }, alert] });
  const path = `/api/alerts/${alert.id}/acknowledge`;
  expect((await cora('POST', path)).status).toBe(403);
  const both = await Promise.all([anna('POST', path), bert('POST', path)]);
  const [taken, late] = both.sort((a, b) => a.status - b.status);
  expect([taken?.status, late?.status]).toEqual([200, 409]);
  const { by } = taken!.body.acknowledged as { by: string };
  expect(['anna', 'bert']).toContain(by);
  expect(late!.body.error).toEqual({
    code: 'ALERT_ACKNOWLEDGED',
    message: expect.stringMatching(new RegExp(`^${by} acknowledged alert ${alert.id} at 2\\d{3}-`)),
  });
  expect((await anna('POST', '/api/alerts/999/acknowledge')).status).toBe(404);
  expect((await anna('POST', '/api/alerts/none/acknowledge')).status).toBe(400);
  await bench.site.store.alerts.end('intruder', alert.subject, 2000);
  expect(await state()).toMatchObject({ count: 1 });
  expect((await cora('GET', '/api/alerts?state=all')).body).toHaveLength(2);
});

it('adds, tries and removes channels, and tells the secret once', async () => {
  const [anna, bert, cora] = [await as('anna'), await as('bert'), await as('cora')];
  const settings = { kind: 'webhook', url: receiver.url('/hook?token=secret-path'), allowPrivate: true };
  expect((await bert('POST', '/api/channels', { name: 'hook', ...settings })).status).toBe(403);
  const added = await anna('POST', '/api/channels', { name: 'hook', ...settings });
  expect(added).toMatchObject({ status: 200, body: { name: 'hook', to: new URL(receiver.url()).origin } });
  const { secret } = added.body;
  expect(secret).toMatch(/^blindsight_[\w-]{43}$/);
  expect((await anna('POST', '/api/channels', { name: 'hook', ...settings })).body.error?.code).toBe(
    'CHANNEL_EXISTS',
  );
  const list = await bert('GET', '/api/channels');
  expect(list.body).toMatchObject([
    { name: 'hook', kind: 'webhook', waiting: 2, delivered: null, trouble: null },
  ]);
  expect((await cora('GET', '/api/channels')).status).toBe(403);

  expect((await bert('POST', '/api/channels/hook/test')).body).toEqual({ name: 'hook', delivered: true });
  expect(receiver.received).toMatchObject([{ path: '/hook?token=secret-path' }]);
  receiver.behavior = (_received, response) => void response.writeHead(500).end();
  expect(await bert('POST', '/api/channels/hook/test')).toMatchObject({
    status: 502,
    body: { error: { code: 'CHANNEL_REFUSED' } },
  });
  expect((await bert('POST', '/api/channels/nowhere/test')).status).toBe(404);

  const said = [JSON.stringify(list.body), JSON.stringify(await bench.site.store.journal.latest(100))];
  said.push(JSON.stringify((await anna('GET', '/api/audit?limit=100')).body));
  expect(said.join()).toContain('channel add');
  for (const one of [String(secret), 'secret-path', PASSWORD]) expect(said.join()).not.toContain(one);
  expect((await anna('DELETE', '/api/channels/hook')).body).toEqual([]);
  expect(await bench.site.store.secrets.get('channel/hook')).toBeNull();
});

it.each([
  [{ kind: 'pigeon' }, /kind/],
  [{ kind: 'webhook', url: 'ftp://example.org/' }, /url: an address that begins with https/],
  [{ kind: 'webhook', url: 'https://example.org', secret: 'secret-short' }, /secret: /],
  [{ kind: 'webhook', url: 'https://example.org', colour: 'secret-red' }, /colour/],
  [{ kind: 'ntfy', url: 'https://ntfy.sh' }, /TOPIC/],
  [{ kind: 'telegram', token: 'secret-token', chat: '1' }, /BotFather/],
  [{ kind: 'email', host: 'mail', from: 'a@example.org', to: ['b@example.org'], user: 'a' }, /go together/],
  [
    {
      kind: 'email',
      host: 'mail',
      tls: 'none',
      from: 'a@example.org',
      to: ['b@example.org'],
      user: 'a',
      password: 'secret-word',
    },
    /in the clear/,
  ],
  [{ kind: 'email', host: 'mail\r\nQUIT', from: 'a@example.org', to: ['b@example.org'] }, /one line/],
  [{ kind: 'gotify', url: 'https://example.org', token: 'secret-word\r\nX: y' }, /one line/],
])('refuses a channel %j, without what may be secret', async (settings, why) => {
  const anna = await as('anna');
  const { status, body } = await anna('POST', '/api/channels', { name: 'bad', ...settings });
  expect([status, body.error?.code]).toEqual([422, 'CHANNEL_INVALID']);
  expect(body.error?.message).toMatch(why);
  expect(body.error?.message).not.toContain('secret-');
  expect(
    (await anna('POST', '/api/channels', { name: 'Bad Name', kind: 'webhook', url: 'https://example.org' }))
      .status,
  ).toBe(422);
});
