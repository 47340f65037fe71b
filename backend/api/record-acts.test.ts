import { readFileSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AuditActView } from '#protocol/api.ts';
import { systemClock } from '#runtime/clock.ts';
import { CHECKPOINT_FILE } from '../audit/checkpoint.ts';
import { verifyAudit } from '../audit/verify-audit.ts';
import { addToken } from '../people/tokens.ts';
import { ApiBench, PASSWORD } from '../testing/api-bench.ts';
import { enrolTestGateway } from '../testing/test-site.ts';

const WAIT = { timeout: 60_000 };

const SECRET = 'rtsp-password-of-the-camera';
const CONFIGURATION = '/api/gateways/gate/configuration';
const push = { settings: `cameras: [] # ${SECRET}`, expectedVersion: 0, credentials: { door: SECRET } };

let bench: ApiBench;
afterEach(() => bench.close());
const acts = () => bench.site.store.audit.acts({ limit: 100 });

describe('what is done by page and API', () => {
  it('is noted with who, how, what, and how it ended, and without secrets', async () => {
    bench = await ApiBench.start();
    await bench.add('anna', 'owner');
    await bench.add('vera', 'viewer');
    await enrolTestGateway(bench.site, 'gate');
    const { cookie } = await bench.logIn('anna');
    const viewer = (await bench.logIn('vera')).cookie;
    const token = await addToken(bench.site, { name: 'deploy-bot', role: 'operator', days: null });
    const put = (headers: Record<string, string>) =>
      bench.call(CONFIGURATION, { method: 'PUT', body: push, headers });
    expect((await put({ cookie })).status).toBe(422);
    expect((await put({ authorization: `Bearer ${token}` })).status).toBe(422);
    expect((await put({ cookie: viewer })).status).toBe(403);
    await bench.call(`${CONFIGURATION}/rollback`, {
      method: 'POST',
      body: { version: 'x' },
      headers: { cookie },
    });
    await bench.call('/api/state', { headers: { cookie } });
    await bench.logIn('vera', 'not the password');
    await bench.logIn(PASSWORD, 'typed into the wrong field');
    await bench.call('/api/session', { method: 'DELETE', headers: { cookie } });

    const found = (await acts())
      .reverse()
      .map(({ actor, role, door, act, subject, outcome }) =>
        [actor, role, door, act, subject, outcome].join(' | '),
      );
    expect(found).toEqual([
      'anna | owner | api | log in | anna | ok',
      'vera | viewer | api | log in | vera | ok',
      expect.stringMatching(/^anna \| owner \| page \| gateway config push \| gate \| [A-Z_]+$/),
      expect.stringMatching(
        /^token:deploy-bot \| operator \| api \| gateway config push \| gate \| [A-Z_]+$/,
      ),
      'vera | viewer | page | gateway config push | gate | API_ROLE_NEEDED',
      'anna | owner | page | gateway config rollback | gate | API_REQUEST_INVALID',
      'nobody | none | api | log in | vera | API_LOGIN_WRONG',
      'nobody | none | api | log in |  | API_LOGIN_WRONG',
      'anna | owner | page | log out | anna | ok',
    ]);
    const file = readFileSync(`${bench.site.dataDirectory}/blindsight.db`).toString('latin1');
    const rows = JSON.stringify(await bench.site.store.audit.after(0, 1000));
    for (const secret of [SECRET, PASSWORD, token, cookie.slice(11, 54)]) {
      expect(rows).not.toContain(secret);
      expect(file).not.toContain(secret);
    }
    expect(rows).toContain('expectedVersion');
    expect((await verifyAudit(bench.site)).damage).toBeNull();
  });

  it('does not happen where it cannot be noted', async () => {
    bench = await ApiBench.start();
    await bench.add('anna', 'owner');
    const { cookie } = await bench.logIn('anna');
    await enrolTestGateway(bench.site, 'gate');
    const appended = vi.spyOn(bench.site.store.audit, 'append').mockRejectedValue(new Error('disk is full'));
    const ran = vi.spyOn(bench.site.store.gateways, 'get');
    const answer = await bench.call(CONFIGURATION, { method: 'PUT', body: push, headers: { cookie } });
    expect(answer.status).toBe(503);
    expect(answer.body.error?.code).toBe('AUDIT_UNWRITABLE');
    expect(ran).not.toHaveBeenCalled();
    expect((await bench.logIn('anna')).status).toBe(503);
    expect((await bench.logIn('anna')).cookie).toBe('');
    // Reading goes on.
    expect((await bench.call('/api/state', { headers: { cookie } })).status).toBe(200);
    appended.mockRestore();
  });

  it('by a flood of strangers is counted, and not written down one by one', async () => {
    let shiftMs = 0;
    const clock = { ...systemClock, monotonic: () => performance.now() + shiftMs };
    bench = await ApiBench.start({ token: 'a-long-token-for-tests', clock });
    for (let count = 0; count < 60; count++)
      await bench.call(CONFIGURATION, { method: 'PUT', body: push, headers: { 'x-count': `${count}` } });
    expect(await acts()).toHaveLength(10);
    shiftMs = 61_000;
    await bench.call(CONFIGURATION, { method: 'PUT', body: push });
    const [one, rest] = await acts();
    expect(one).toMatchObject({ actor: 'nobody', outcome: 'API_LOGIN_NEEDED' });
    expect(rest).toMatchObject({ act: 'further refused requests', outcome: 'refused' });
    expect(JSON.parse(rest!.details)).toEqual({
      count: 50,
      addresses: ['127.0.0.1'],
      outcomes: ['API_LOGIN_NEEDED'],
    });
  });

  it('whose proof is gone is told in the journal, once', async () => {
    bench = await ApiBench.start();
    await bench.add('anna', 'owner');
    await bench.logIn('anna');
    rmSync(`${bench.site.dataDirectory}/${CHECKPOINT_FILE}`);
    await bench.logIn('anna');
    await bench.logIn('anna');
    await vi.waitFor(async () => {
      const told = (await bench.site.store.journal.latest(10)).filter(({ code }) => code === 'AUDIT_BROKEN');
      expect(told).toMatchObject([
        { level: 'error', message: expect.stringContaining(`${CHECKPOINT_FILE} is missing`) },
      ]);
    }, WAIT);
    expect((await acts()).length).toBe(3);
  });

  it('can be read by owners only, and changed by nobody', async () => {
    bench = await ApiBench.start();
    await bench.add('anna', 'owner');
    await bench.add('otto', 'operator');
    const { cookie } = await bench.logIn('anna');
    const operator = (await bench.logIn('otto')).cookie;
    expect((await bench.call('/api/audit', { headers: { cookie: operator } })).status).toBe(403);
    const read = async (query: string) =>
      (await bench.call(`/api/audit${query}`, { headers: { cookie } })).body as unknown as AuditActView[];
    expect(await read('')).toMatchObject([
      { seq: 2, actor: 'otto', act: 'log in', outcome: 'ok', ended: null, details: { address: '127.0.0.1' } },
      { seq: 1, actor: 'anna' },
    ]);
    expect(await read('?limit=1')).toHaveLength(1);
    expect(await read('?before=2')).toHaveLength(1);
    expect(await read('?actor=otto')).toHaveLength(1);
    expect(await read('?since=2099-01-01T00:00:00Z')).toEqual([]);
    const audit = bench.server.routes.filter(({ url }) => url.split('/')[2] === 'audit');
    expect(new Set(audit.map(({ method }) => method))).toEqual(new Set(['GET', 'HEAD']));
  });
});
