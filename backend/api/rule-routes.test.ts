import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RecordedEvent } from '#protocol/recorded-event.ts';
import type { RuleTest, RuleView } from '#protocol/rule.ts';
import { ApiBench } from '../testing/api-bench.ts';

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.start();
});
afterAll(() => bench.close());

const night = { name: 'night', when: { kind: 'unusual', cameras: 'all' }, severity: 'critical' };

it('adds, changes, lists and removes rules', async () => {
  const added = await bench.call('/api/rules', { method: 'POST', body: night });
  expect([added.status, added.body]).toEqual([
    200,
    expect.objectContaining({ enabled: true, author: 'the API' }),
  ]);
  expect((await bench.call('/api/rules', { method: 'POST', body: night })).status).toBe(409);
  const changed = await bench.call('/api/rules/night', { method: 'PUT', body: { ...night, enabled: false } });
  expect(changed.body).toMatchObject({ name: 'night', enabled: false });
  expect((await bench.call('/api/rules/day', { method: 'PUT', body: night })).status).toBe(404);
  const listed = (await bench.call('/api/rules')).body as unknown as RuleView[];
  expect(listed.map(({ name, enabled }) => [name, enabled])).toEqual([['night', false]]);
  expect((await bench.call('/api/rules/night', { method: 'DELETE' })).body).toEqual([]);
  expect((await bench.call('/api/rules/night', { method: 'DELETE' })).status).toBe(404);
  const acts = await bench.site.store.audit.acts({ limit: 10 });
  const noted = acts.map(({ details }) => JSON.parse(details) as Record<string, unknown>);
  expect(noted).toContainEqual({ name: 'night', severity: 'critical', enabled: false, anyway: false });
});

it('says what is wrong with a rule, and what is doubtful before it is saved', async () => {
  const wrong = await bench.call('/api/rules', {
    method: 'POST',
    body: { ...night, when: { kind: 'weather' } },
  });
  expect([wrong.status, wrong.body.error]).toEqual([422, expect.objectContaining({ code: 'RULE_INVALID' })]);
  for (const label of ['a\r\nBcc: b', '\u001b[2J', 'a\u2028b']) {
    const body = { name: 'x', when: { kind: 'answer', cameras: 'all', label } };
    const { status } = await bench.call('/api/rules?anyway=true', { method: 'POST', body });
    expect([label, status]).toEqual([label, 422]);
  }
  const doubtful = { name: 'x', when: { kind: 'answer', cameras: 'all', label: 'unicorn' } };
  const test = (await bench.call('/api/rules/test', { method: 'POST', body: doubtful }))
    .body as unknown as RuleTest;
  expect([test.count, test.doubts]).toEqual([0, [expect.stringContaining('no network has a label unicorn')]]);
  const refused = await bench.call('/api/rules', { method: 'POST', body: doubtful });
  expect([refused.status, refused.body.error]).toEqual([
    422,
    expect.objectContaining({ code: 'RULE_DOUBTFUL' }),
  ]);
  expect((await bench.call('/api/rules?anyway=true', { method: 'POST', body: doubtful })).status).toBe(200);
});

it('lists events, and notes who has looked at one first', async () => {
  const { recordedEvents } = bench.site.store;
  const key = { camera: 'door', region: '', zone: '', label: 'present' };
  const startMs = Date.parse('2026-01-01T00:00:00.000Z');
  const id = await recordedEvents.begin(key, 'counter', startMs, { peak: 0.9, answers: 3 });
  const list = async (query: string) =>
    ((await bench.call(`/api/recorded-events${query}`)).body as unknown as RecordedEvent[]).length;
  expect(await list('')).toBe(1);
  expect(await list('?camera=yard')).toBe(0);
  expect(await list('?camera=door&reviewed=false&until=2026-01-01T00:00:01Z')).toBe(1);
  expect(await list('?until=2026-01-01T00:00:00Z')).toBe(0);
  expect((await bench.call('/api/recorded-events?since=yesterday')).status).toBe(400);
  const reviewed = await bench.call(`/api/recorded-events/${id}/review`, { method: 'POST' });
  expect(reviewed.body).toMatchObject({ id, reviewed: { by: 'the API' } });
  expect(await list('?reviewed=false')).toBe(0);
  expect((await bench.call('/api/recorded-events/999/review', { method: 'POST' })).status).toBe(404);
});
