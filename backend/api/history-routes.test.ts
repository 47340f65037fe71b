import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Result } from '#protocol/messages.ts';
import { RollUps } from '../history/roll-ups.ts';
import { ApiBench } from '../testing/api-bench.ts';

const NOON = Date.UTC(2026, 2, 29, 12);
const clock = { now: () => NOON, monotonic: () => performance.now(), sleep: async () => {} };
const ANSWERS = 30_000;
const PAGES = ANSWERS / 500 + 1;

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.start({ clock });
  const { store } = bench.site;
  const label = 'a label of some length, so that pages are large '.padEnd(60, '.');
  const probabilities = Object.fromEntries(
    Array.from({ length: 8 }, (_, index) => [`${label} ${index}`, 0.5]),
  );
  const result = {
    camera: 'door',
    model: 'counter',
    modelVersion: 1,
    label,
    probabilities,
  } as unknown as Result;
  await store.transaction(async (inside) => {
    for (let sequence = 0; sequence < ANSWERS; sequence++) {
      const place = { gateway: 'gate', session: 1, sequence, digest: '', model: 'counter', version: 1 };
      const times = { frameMs: NOON - 60_000 + sequence, storedMs: NOON };
      await inside.results.add({ ...place, ...times, camera: 'door', withheld: null, results: [result] });
    }
    const settled = { id: 1, gateway: 'gate', session: 1, sequence: 0, model: 'counter', version: 1 };
    const times = { frameMs: NOON - 60_000, storedMs: NOON };
    const days = { minuteDays: 31, hourDays: 400, dayDays: 3660 };
    const batch = [{ ...settled, ...times, camera: 'door', withheld: null, results: [result] }];
    await new RollUps(days).take(inside, batch, NOON);
  });
});
afterAll(() => bench.close());

/** The answer to a request, not read yet. */
async function open(path: string): Promise<IncomingMessage> {
  const sent = get(`${bench.url}${path}`, { agent: false });
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

it('sends lines of a day and of all cameras, and exports as files', async () => {
  const day = await bench.call('/api/cameras/door/history?minutes=1440');
  expect(day.body).toMatchObject({ times: [NOON - 60_000], answers: [1], slotMs: 60_000 });
  expect((await bench.call('/api/lines?minutes=60&points=30')).body).toMatchObject({ points: 30, lines: [] });
  const hour = await bench.call('/api/cameras/door/export?by=hour&format=csv&from=2026-03-29&to=2026-03-30');
  expect(hour.headers['content-type']).toMatch(/^text\/csv/);
  expect(hour.headers['content-disposition']).toBe('attachment; filename="door-hour-2026-03-29.csv"');
  expect(String(hour.body.text).split('\r\n')).toHaveLength(1 + 8 + 1);
  const refused = async (path: string) => (await bench.call(path)).body.error?.code;
  expect(await refused('/api/cameras/door/export?from=yesterday')).toBe('API_REQUEST_INVALID');
  expect(await refused('/api/cameras/nobody/export')).toBe('CAMERA_NOT_FOUND');
});

it('counts no export whose reader left before it began', async () => {
  const { store } = bench.site;
  const begun = channel('http.server.request.start');
  const owner = vi.spyOn(store.cameras, 'owner');
  for (let times = 0; times < 3; times++) {
    const left = Promise.withResolvers<void>();
    const watch = (message: unknown) => {
      (message as { readonly response: ServerResponse }).response.once('close', left.resolve);
    };
    begun.subscribe(watch);
    const looked = Promise.withResolvers<void>();
    owner.mockImplementationOnce(async () => {
      looked.resolve();
      await left.promise;
      return 'gate';
    });
    const sent = get(`${bench.url}/api/cameras/door/export`, { agent: false }).on('error', () => {});
    await looked.promise;
    sent.destroy();
    await left.promise;
    begun.unsubscribe(watch);
  }
  expect((await open('/api/cameras/door/export?from=2026-03-30')).statusCode).toBe(200);
  owner.mockRestore();
});

it('stops reading when an export is cancelled, and lets few run at once', async () => {
  const page = vi.spyOn(bench.site.store.storedAnswers, 'page');
  const path = '/api/cameras/door/export?format=json';
  const running = [await open(path), await open(path)];
  await Promise.all(running.map((response) => once(response, 'readable')));
  const third = await bench.call(path);
  expect([third.status, third.body.error?.code]).toEqual([503, 'API_EXPORTS_FULL']);
  for (const response of running) response.destroy();
  // Once both have ended on the other side, too.
  await vi.waitFor(async () => expect((await open(`${path}&from=2026-03-30`)).statusCode).toBe(200), {
    timeout: 60_000,
  });
  const reads = page.mock.calls.filter(([, fromMs]) => fromMs < NOON).length;
  expect(reads).toBeGreaterThanOrEqual(2);
  expect(reads, 'all pages of both').toBeLessThan(2 * PAGES);
  page.mockRestore();
});
