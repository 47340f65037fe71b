import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RolloutView, SiteState } from '#protocol/api.ts';
import { createLogger } from '#runtime/log.ts';
import { SiteView } from '../results/site-view.ts';
import { RolloutSite } from '../testing/rollout-site.ts';
import { EventHub } from './event-hub.ts';
import { startApi } from './server.ts';

const TOKEN = 'a-long-token-for-tests';
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('rollouts by the API', () => {
  let yard: RolloutSite;
  let server: Awaited<ReturnType<typeof startApi>>;

  beforeEach(async () => {
    yard = await RolloutSite.make(3);
    const { site, clock } = yard;
    const view = new SiteView(site.name, site.store, clock);
    const snapshot = () => view.snapshot();
    server = await startApi({
      ...{ site, snapshot, log, clock, host: '127.0.0.1', port: 0, token: TOKEN },
      isStuck: () => false,
      broker: () => view.broker,
      hub: new EventHub(snapshot, () => {}),
      pageDirectory: '/nowhere',
    });
  });
  afterEach(async () => {
    await server.close();
    await yard.close();
  });

  const call = async <T = RolloutView>(method: string, path: string, body?: unknown) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  };
  const start = { kind: 'model', name: 'net', to: ['all'], waves: ['1', '100%'], limitSeconds: 60 };

  it('are started, shown, paused, resumed, aborted and taken back', async () => {
    const begun = await call('POST', '/api/rollouts', { ...start, author: 'ann' });
    expect(begun).toMatchObject({
      status: 202,
      body: { state: 'running', title: 'net version 2', author: 'ann', waves: 2, limitSeconds: 60 },
    });
    const path = `/api/rollouts/${begun.body.id}`;
    await yard.step();
    const shown = await call('GET', path);
    expect(shown.body.each.map(({ gateway, state }) => [gateway, state])).toEqual([
      ['g1', 'released'],
      ['g2', 'waiting'],
      ['g3', 'waiting'],
    ]);
    expect(shown.body.gateways).toMatchObject({ released: 1, waiting: 2 });
    expect((await call<unknown[]>('GET', '/api/software')).body).toEqual([]);
    const state = await call<SiteState>('GET', '/api/state');
    expect(state.body.rollouts).toMatchObject([{ id: begun.body.id, state: 'running', wave: 1, waves: 2 }]);
    expect(state.body.gateways.map(({ groups }) => groups)).toEqual([[], [], []]);
    expect(await call('POST', `${path}/pause`)).toMatchObject({ status: 200, body: { state: 'paused' } });
    expect(await call('POST', `${path}/pause`)).toMatchObject({
      status: 409,
      body: { error: { code: 'ROLLOUT_STATE' } },
    });
    expect(await call('POST', `${path}/resume`, {})).toMatchObject({ body: { state: 'running' } });
    expect(await call('POST', `${path}/abort`, { author: 'bob' })).toMatchObject({
      body: { state: 'aborted' },
    });
    expect(await call('POST', `${path}/back`, {})).toMatchObject({
      status: 422,
      body: { error: { code: 'ROLLOUT_TARGET' } },
    });
    expect((await call<RolloutView[]>('GET', '/api/rollouts')).body).toHaveLength(1);
    expect((await call<SiteState>('GET', '/api/state')).body.rollouts).toEqual([]);
    const metrics = await fetch(`http://127.0.0.1:${server.port}/metrics`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const text = await metrics.text();
    expect(text).toContain('blindsight_rollouts{state="aborted"} 1');
    expect(text).toContain('blindsight_rollouts{state="running"} 0');
  });

  it.each([
    [{ ...start, to: ['g9'] }, 422, 'ROLLOUT_TARGET'],
    [{ ...start, to: [] }, 400, 'API_REQUEST_INVALID'],
    [{ ...start, name: 'nothing' }, 404, 'MODEL_NOT_FOUND'],
    [{ ...start, version: '7' }, 404, 'MODEL_NOT_FOUND'],
    [{ ...start, version: '1.2.3' }, 400, 'API_REQUEST_INVALID'],
    [{ ...start, kind: 'software' }, 400, 'API_REQUEST_INVALID'],
    [{ kind: 'software', version: '1.2.3', to: ['all'] }, 404, 'SOFTWARE_NOT_FOUND'],
    [{ kind: 'software', version: '1.2.3', to: ['all'], place: 'beside' }, 400, 'API_REQUEST_INVALID'],
    [{ ...start, place: 'somewhere' }, 400, 'API_REQUEST_INVALID'],
    [{ ...start, waves: ['100%', '1%'] }, 422, 'ROLLOUT_WAVES'],
    [{ ...start, limitSeconds: 0 }, 400, 'API_REQUEST_INVALID'],
    [{ ...start, limitSeconds: 1e9 }, 422, 'ROLLOUT_LIMIT'],
    [{ name: 'net', to: ['all'] }, 400, 'API_REQUEST_INVALID'],
    [{ ...start, kind: 'firmware' }, 400, 'API_REQUEST_INVALID'],
  ])('%j is refused with %i and begins nothing', async (body, status, code) => {
    expect(await call('POST', '/api/rollouts', body)).toMatchObject({ status, body: { error: { code } } });
    expect((await call<unknown[]>('GET', '/api/rollouts')).body).toEqual([]);
  });

  it('release a network beside the default one, where its software knows several', async () => {
    await yard.site.store.gateways.setSeveral('g2', false);
    const beside = { ...start, place: 'beside', keys: 'common' };
    expect(await call('POST', '/api/rollouts', beside)).toMatchObject({
      status: 422,
      body: { error: { code: 'GATEWAY_TOO_OLD' } },
    });
    expect(await call('POST', '/api/rollouts', { ...beside, to: ['g1'] })).toMatchObject({ status: 202 });
    await yard.step();
    const state = await call<SiteState>('GET', '/api/state');
    expect(state.body.gateways.map(({ model, beside: others }) => [model, others])).toEqual([
      [null, [{ name: 'net', version: 2 }]],
      [null, []],
      [null, []],
    ]);
  });

  it('tells of two at once, and of what is not there', async () => {
    await call('POST', '/api/rollouts', start);
    expect(await call('POST', '/api/rollouts', { ...start, to: ['g2'] })).toMatchObject({
      status: 409,
      body: { error: { code: 'ROLLOUT_CONFLICT' } },
    });
    expect(await call('POST', '/api/rollouts', { ...start, to: ['g2'], instead: true })).toMatchObject({
      status: 202,
    });
    expect(await call('GET', '/api/rollouts/99')).toMatchObject({ status: 404 });
    expect(await call('POST', '/api/rollouts/99/abort')).toMatchObject({ status: 404 });
  });
});
