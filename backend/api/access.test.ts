import { get } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BlindsightError } from '#protocol/errors.ts';
import { ROLES } from '#protocol/roles.ts';
import { systemClock } from '#runtime/clock.ts';
import { removePerson, setPassword, setRole } from '../people/accounts.ts';
import { makePass } from '../people/command-line-pass.ts';
import { IDLE_MS, SESSION_MS } from '../people/sessions.ts';
import { addToken, revokeToken } from '../people/tokens.ts';
import { ApiBench, CHEAP, PASSWORD } from '../testing/api-bench.ts';

const SITE_TOKEN = 'a-long-token-for-tests';
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

let bench: ApiBench;
afterEach(() => bench.close());
const start = async (...options: Parameters<typeof ApiBench.start>) => {
  bench = await ApiBench.start(...options);
};
const status = async (...call: Parameters<ApiBench['call']>) => (await bench.call(...call)).status;

describe('routes', () => {
  it('each name the role that they need, and anyone may use only these', async () => {
    await start();
    const { routes } = bench.server;
    const below = routes.filter(({ url }) => url.startsWith('/api') || url === '/metrics');
    expect(below.length).toBeGreaterThan(10);
    expect(below.filter(({ role }) => role === null)).toEqual([]);
    const open = routes.filter(({ role }) => role === 'anyone').map(({ method, url }) => `${method} ${url}`);
    expect(open.filter((route) => !route.startsWith('HEAD')).sort()).toEqual([
      'DELETE /api/session',
      'GET /api/session',
      'GET /healthz',
      'POST /api/session',
    ]);
    const acting = below.filter(
      ({ method, role }) => method !== 'GET' && method !== 'HEAD' && role !== 'anyone',
    );
    expect(acting.filter(({ role }) => role === 'viewer' || role === 'integrator')).toEqual([]);
  });

  it('refuse whoever has a lower role, say which one is needed, and do nothing', async () => {
    await start();
    for (const role of ROLES) await bench.add(`one-${role}`, role);
    const cookies = new Map<string, string>();
    for (const role of ROLES) cookies.set(role, (await bench.logIn(`one-${role}`)).cookie);
    const needs = { '/api/state': 'viewer', '/api/journal': 'integrator', '/metrics': 'integrator' };
    for (const [path, needed] of Object.entries(needs)) {
      for (const role of ROLES) {
        const allowed = ROLES.indexOf(role) >= ROLES.indexOf(needed as (typeof ROLES)[number]);
        const answer = await bench.call(path, { headers: { cookie: cookies.get(role)! } });
        expect(answer.status, `${role} ${path}`).toBe(allowed ? 200 : 403);
      }
    }
    const push = { method: 'PUT', body: { settings: 'cameras: []', expectedVersion: 0 } };
    const path = '/api/gateways/gate/configuration';
    const refused = await bench.call(path, { ...push, headers: { cookie: cookies.get('integrator')! } });
    expect(refused.status).toBe(403);
    expect(refused.body.error).toEqual({
      code: 'API_ROLE_NEEDED',
      message: 'this needs the role operator, and one-integrator is integrator',
    });
    expect(await status(path, { ...push, headers: { cookie: cookies.get('operator')! } })).toBe(404);
  });
});

describe('without accounts', () => {
  it('this machine is the owner, until the first account exists: then it has to log in, too', async () => {
    await start();
    expect(await status('/api/state')).toBe(200);
    expect((await bench.call('/api/session')).body).toEqual({
      person: { name: 'local', role: 'owner', way: 'this machine' },
      logIn: { password: false, token: false },
    });
    await bench.add('anna', 'owner');
    expect(await status('/api/state')).toBe(401);
    expect((await bench.call('/api/session')).body).toEqual({
      person: null,
      logIn: { password: true, token: false },
    });
    expect((await bench.call('/healthz')).body).toMatchObject({ broker: { connected: false } });
    expect((await bench.call('/healthz')).body.broker).not.toHaveProperty('detail');
    const { cookie } = await bench.logIn('anna');
    expect(await status('/api/state', { headers: { cookie } })).toBe(200);
    // Nor does it become open again when the last one is removed.
    await removePerson(bench.site, 'anna');
    expect(await status('/api/state')).toBe(401);
  });

  it('is not served to other machines', async () => {
    const started = ApiBench.start({ host: '0.0.0.0' });
    await expect(started).rejects.toMatchObject({ code: 'API_TOKEN_MISSING' });
    await start({ host: '0.0.0.0', token: SITE_TOKEN });
    expect(await status('/api/state')).toBe(401);
  });

  it('lets the command line ask a backend that wants a log-in, for a minute', async () => {
    await start();
    await bench.add('anna', 'owner');
    expect(await status('/api/state', bearer(makePass(bench.site, 'viewer')))).toBe(200);
    expect(await status('/api/journal', bearer(makePass(bench.site, 'viewer')))).toBe(403);
    for (const shiftMs of [-61_000, 240_000]) {
      const pass = makePass(bench.site, 'viewer', { ...systemClock, now: () => Date.now() + shiftMs });
      expect(await status('/api/state', bearer(pass))).toBe(401);
    }
    expect(await status('/api/state', bearer(`${makePass(bench.site, 'viewer')}A`))).toBe(401);
    expect(await status('/api/state', bearer('blindsight-pass_'))).toBe(401);
  });

  it('goes on showing the command line what it began to read, longer than its pass is good', async () => {
    let shiftMs = 0;
    await start({ clock: { ...systemClock, now: () => Date.now() + shiftMs } });
    await bench.add('anna', 'owner');
    const events = await fetch(`${bench.url}/api/events`, bearer(makePass(bench.site, 'viewer')));
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toContain('event: state');
    shiftMs = 120_000;
    const { cookie } = await bench.logIn('anna');
    // Looks at every stream.
    await bench.call('/api/session', { method: 'DELETE', headers: { cookie } });
    bench.hub.publish({ type: 'result', data: { label: 'later' } as never });
    expect((await reader.read()).value).toContain('later');
    await reader.cancel();
  });
});

describe('a session', () => {
  it('is a random secret of the server, which no page of the browser can read', async () => {
    await start();
    await bench.add('anna', 'owner');
    const planted = 'blindsight=chosen-by-somebody-else';
    const answer = await bench.logIn('Anna ', PASSWORD, { headers: { cookie: planted } });
    expect(answer.status).toBe(204);
    const [session = ''] = [answer.headers['set-cookie']].flat();
    expect(session).toMatch(/^blindsight=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=\d+$/);
    expect(await status('/api/state', { headers: { cookie: planted } })).toBe(401);
    const again = await bench.logIn('anna', PASSWORD, { headers: { cookie: answer.cookie } });
    expect(again.cookie.split(';')[0]).not.toBe(answer.cookie.split(';')[0]);
    // Whoever had the cookie from before has nothing.
    expect(await status('/api/state', { headers: { cookie: answer.cookie } })).toBe(401);
    expect(await status('/api/state', { headers: { cookie: again.cookie } })).toBe(200);
    expect(await status('/api/state', bearer(again.cookie.slice('blindsight='.length, 54)))).toBe(401);
  });

  it('is worthless once it was logged out, for a thief of its cookie, too', async () => {
    await start();
    await bench.add('anna', 'owner');
    const [one, two] = [await bench.logIn('anna'), await bench.logIn('anna')];
    const out = await bench.call('/api/session', { method: 'DELETE', headers: { cookie: one.cookie } });
    expect(out.status).toBe(204);
    expect(out.headers['set-cookie']).toEqual([expect.stringMatching(/^blindsight=; .*Max-Age=0$/)]);
    expect(await status('/api/state', { headers: { cookie: one.cookie } })).toBe(401);
    expect(await status('/api/state', { headers: { cookie: two.cookie } })).toBe(200);
    const three = await bench.logIn('anna');
    await bench.call('/api/session?all=true', { method: 'DELETE', headers: { cookie: three.cookie } });
    expect(await status('/api/state', { headers: { cookie: two.cookie } })).toBe(401);
  });

  it.each([
    ['another role', () => setRole(bench.site, 'anna', 'viewer')],
    ['another password', () => setPassword(bench.site, 'anna', 'four other words', CHEAP)],
    ['the person removed', () => removePerson(bench.site, 'anna')],
  ])('ends with %s, and so do the events that it listens to', async (_, change) => {
    await start();
    await bench.add('anna', 'owner');
    const { cookie } = await bench.logIn('anna');
    const ended = new Promise<void>((resolve, reject) => {
      get(`${bench.url}/api/events`, { headers: { cookie } }, (response) => {
        response.once('data', () => void change().catch(reject));
        response.once('close', resolve).on('error', () => undefined);
      }).on('error', reject);
    });
    await ended;
    expect(await status('/api/state', { headers: { cookie } })).toBe(401);
  });

  it('that is opened while the password changes does not outlive the change', async () => {
    await start();
    await bench.add('anna', 'owner');
    const { people } = bench.site.store;
    const before = await people.get('anna');
    await setPassword(bench.site, 'anna', 'four other words', CHEAP);
    await bench.site.store.sessions.add(
      { hash: 'a'.repeat(64), person: 'anna', generation: before!.generation, siteToken: null },
      Date.now(),
    );
    expect(await bench.site.store.sessions.get('a'.repeat(64))).toBeNull();
  });

  it('ends when it was not used for long, and after a month in any case', async () => {
    let shiftMs = 0;
    await start({ clock: { ...systemClock, now: () => Date.now() + shiftMs } });
    await bench.add('anna', 'owner');
    const idle = await bench.logIn('anna');
    shiftMs += IDLE_MS - 1000;
    expect(await status('/api/state', { headers: { cookie: idle.cookie } })).toBe(200);
    shiftMs += IDLE_MS - 1000;
    expect(await status('/api/state', { headers: { cookie: idle.cookie } })).toBe(200);
    shiftMs += IDLE_MS + 1000;
    expect(await status('/api/state', { headers: { cookie: idle.cookie } })).toBe(401);
    const used = await bench.logIn('anna');
    const end = shiftMs + SESSION_MS;
    while (shiftMs + IDLE_MS / 2 < end) {
      shiftMs += IDLE_MS / 2;
      if (shiftMs < end) expect(await status('/api/state', { headers: { cookie: used.cookie } })).toBe(200);
    }
    shiftMs = end + 1000;
    expect(await status('/api/state', { headers: { cookie: used.cookie } })).toBe(401);
  });

  it('with the token of the site ends when the token changes', async () => {
    await start({ token: SITE_TOKEN });
    const answer = await bench.call('/api/session', { method: 'POST', body: { token: SITE_TOKEN } });
    expect(answer.status).toBe(204);
    const { cookie } = answer;
    expect((await bench.call('/api/session', { headers: { cookie } })).body).toEqual({
      person: { name: 'token:file', role: 'owner', way: 'session' },
      logIn: { password: false, token: true },
    });
    expect(answer.cookie).not.toContain(SITE_TOKEN);
    await bench.server.close();
    const other = await ApiBench.start({ token: `${SITE_TOKEN}-2` });
    await other.site.store.sessions.add(
      { hash: 'b'.repeat(64), person: '', generation: 0, siteToken: 'fingerprint of another' },
      Date.now(),
    );
    expect((await other.call('/api/state', { headers: { cookie } })).status).toBe(401);
    await other.close();
  });

  it('cannot be used or opened by a page of another origin', async () => {
    await start();
    await bench.add('anna', 'owner');
    const { cookie } = await bench.logIn('anna');
    const body = { settings: 'x', expectedVersion: 0 };
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ] as Record<string, string>[]) {
      const put = { method: 'PUT', body, headers: { ...headers, cookie } };
      expect((await bench.call('/api/gateways/gate/configuration', put)).body.error?.code).toBe(
        'API_ORIGIN_REFUSED',
      );
      expect((await bench.logIn('anna', PASSWORD, { headers })).status).toBe(403);
      expect(await status('/api/session', { method: 'DELETE', headers: { ...headers, cookie } })).toBe(403);
    }
    expect(await status('/api/state', { headers: { cookie } })).toBe(200);
  });
});

describe('a token', () => {
  it('that was good a moment ago is good while the database does not answer, for ten minutes, and no other', async () => {
    let shiftMs = 0;
    await start({ clock: { ...systemClock, monotonic: () => performance.now() + shiftMs } });
    await bench.add('anna', 'owner');
    const token = await addToken(bench.site, { name: 'dash', role: 'viewer', days: null });
    const other = await addToken(bench.site, { name: 'other', role: 'viewer', days: null });
    expect(await status('/api/cameras/door/history', bearer(token))).toBe(200);
    const away = new BlindsightError('STORE_UNAVAILABLE', 'PostgreSQL does not answer');
    const asked = vi.spyOn(bench.site.store.tokens, 'get').mockRejectedValue(away);
    expect(await status('/api/cameras/door/history', bearer(token))).toBe(200);
    expect(await status('/api/cameras/door/history', bearer(other))).toBe(500);
    shiftMs = 10 * 60_000 + 1000;
    expect(await status('/api/cameras/door/history', bearer(token))).toBe(500);
    asked.mockRestore();
    expect(await status('/api/cameras/door/history', bearer(token))).toBe(200);
  });

  it('has a role and an end, can be revoked, and is taken from one header only', async () => {
    let shiftMs = 0;
    await start({ clock: { ...systemClock, now: () => Date.now() + shiftMs } });
    await bench.add('anna', 'owner');
    const token = await addToken(bench.site, { name: 'dash', role: 'integrator', days: 2 });
    expect(await status('/metrics', bearer(token))).toBe(200);
    expect((await bench.call('/api/session', bearer(token))).body.person).toEqual({
      name: 'token:dash',
      role: 'integrator',
      way: 'token',
    });
    const push = { method: 'PUT', body: { settings: 'x', expectedVersion: 0 } };
    expect(await status('/api/gateways/gate/configuration', { ...push, ...bearer(token) })).toBe(403);
    expect(await status(`/api/state?token=${token}`)).toBe(401);
    expect(await status('/api/state', { headers: { cookie: `blindsight=${token}` } })).toBe(401);
    expect(await status('/api/session', { method: 'POST', body: { token } })).toBe(401);
    expect(await status('/api/state', bearer(`${token}x`))).toBe(401);
    expect(await status('/api/state', bearer(token.slice(0, -1)))).toBe(401);
    shiftMs = 2 * 86_400_000 + 1000;
    expect(await status('/metrics', bearer(token))).toBe(401);
    shiftMs = 0;
    await revokeToken(bench.site, 'dash');
    expect(await status('/metrics', bearer(token))).toBe(401);
    await expect(addToken(bench.site, { name: 'dash', role: 'viewer', days: null })).rejects.toMatchObject({
      code: 'TOKEN_EXISTS',
    });
  });
});

describe('a proxy that does the log-in', () => {
  const proxy = {
    addresses: ['127.0.0.2/32'],
    user: { header: 'x-remote-user', roleHeader: 'x-remote-role', roles: { anna: 'owner' as const } },
  };
  const from = '127.0.0.2';

  it('is believed on its address, and nobody else', async () => {
    await start({ proxy });
    const asAnna = { 'x-remote-user': 'anna' };
    expect(await status('/api/journal', { headers: asAnna, from })).toBe(200);
    expect((await bench.call('/api/session', { headers: asAnna, from })).body.person).toEqual({
      name: 'anna',
      role: 'owner',
      way: 'proxy',
    });
    for (const headers of [asAnna, { 'x-remote-role': 'owner' }, { ...asAnna, 'x-forwarded-for': from }]) {
      const spoofed = await bench.call('/api/state', { headers });
      expect(spoofed.status).toBe(403);
      expect(spoofed.body.error?.code).toBe('API_PROXY_REFUSED');
    }
    // This machine is not the owner any more.
    expect(await status('/api/state')).toBe(401);
    expect(await status('/api/state', { from })).toBe(401);
  });

  it('gives roles by table or header; who has none is refused', async () => {
    await start({ proxy });
    const as = async (headers: Record<string, string | string[]>, path = '/api/state') =>
      (await bench.call(path, { headers, from })).status;
    expect(await as({ 'x-remote-user': 'bert' })).toBe(403);
    expect(await as({ 'x-remote-user': 'bert', 'x-remote-role': 'viewer' })).toBe(200);
    expect(await as({ 'x-remote-user': 'bert', 'x-remote-role': 'viewer' }, '/api/journal')).toBe(403);
    expect(await as({ 'x-remote-user': 'bert', 'x-remote-role': 'root' })).toBe(403);
    expect(await as({ 'x-remote-user': ['anna', 'bert'] })).toBe(403);
    expect(await as({ 'x-remote-user': 'local' })).toBe(403);
    expect(await as({ 'x-remote-user': '__proto__' })).toBe(403);
    expect(await as({ 'x-remote-user': 'constructor' })).toBe(403);
    expect(await as({ 'x-remote-user': 'bert@example.org', 'x-remote-role': 'operator' }, '/metrics')).toBe(
      200,
    );
  });

  it('says whether the browser speaks TLS, and where it is; others cannot', async () => {
    await start({ proxy: { addresses: ['127.0.0.2'] } });
    await bench.add('anna', 'owner');
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' };
    const cookies = (await bench.logIn('anna', PASSWORD, { headers, from })).headers['set-cookie'];
    expect(cookies).toEqual([expect.stringMatching(/; Secure$/), expect.stringMatching(/; Secure$/)]);
    const direct = (await bench.logIn('anna', PASSWORD, { headers })).headers['set-cookie'];
    expect(direct).toEqual([expect.not.stringMatching(/Secure/), expect.not.stringMatching(/Secure/)]);
  });
});
