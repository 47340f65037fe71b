import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SiteState } from '#protocol/api.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { SiteView } from '../results/site-view.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { EventHub } from './event-hub.ts';
import { startApi } from './server.ts';

const TOKEN = 'a-long-token-for-tests';
const PATH = '/api/cameras/square/zones';
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

let site: TestSite;
let server: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  site = await makeTestSite();
  await enrolTestGateway(site, 'gate');
  await site.store.cameras.claim('square', 'gate', 1);
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
afterAll(async () => {
  await server.close();
  await site.close();
});

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as unknown };
}

it('draws, lists, shows and removes zones, and is noted', async () => {
  const zone = {
    name: 'entrance',
    corners: [
      [0, 0.5],
      [0.4, 0.5],
      [0.4, 1],
    ],
  };
  expect(await call('POST', PATH, zone)).toEqual({ status: 200, body: { camera: 'square', ...zone } });
  expect(await call('GET', PATH)).toEqual({ status: 200, body: [zone] });
  const { body } = await call('GET', '/api/state');
  expect((body as SiteState).cameras).toMatchObject([{ camera: 'square', zones: [zone] }]);
  const refused = (status: number, code: string) => ({ status, body: { error: { code } } });
  expect(await call('POST', PATH, zone)).toMatchObject(refused(409, 'ZONE_EXISTS'));
  const outside = { name: 'far', corners: [...zone.corners.slice(1), [0.5, 1.5]] };
  expect(await call('POST', PATH, outside)).toMatchObject(refused(422, 'ZONE_INVALID'));
  expect(await call('POST', PATH, { name: 'far', corners: [[0, 0, 1]] })).toMatchObject({ status: 400 });
  expect(await call('POST', '/api/cameras/yard/zones', zone)).toMatchObject(refused(404, 'CAMERA_NOT_FOUND'));
  expect(await call('DELETE', `${PATH}/entrance`)).toEqual({
    status: 200,
    body: { camera: 'square', zones: [] },
  });
  expect(await call('DELETE', `${PATH}/entrance`)).toMatchObject(refused(404, 'ZONE_NOT_FOUND'));
  const noted = await site.store.audit.acts({ limit: 99 });
  expect(noted.map(({ act, subject, outcome }) => [act, subject, outcome])).toContainEqual([
    'camera zone remove',
    'square entrance',
    'ZONE_NOT_FOUND',
  ]);
});
