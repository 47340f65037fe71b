import { expect, it, onTestFinished, vi } from 'vitest';
import type { MessageHandler } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { enrolTestGateway, makeTestSite } from '../testing/test-site.ts';
import { GatewayListener, MESSAGES_A_MINUTE } from './gateway-listener.ts';
import { SiteView } from './site-view.ts';

const WAIT = { timeout: 120_000 };

const PACKET = { retain: false, dup: false, qos: 0 } as const;

it('says once a minute that the messages of a gateway are not understood, and how many', async () => {
  const site = await makeTestSite();
  onTestFinished(() => site.close());
  await enrolTestGateway(site, 'gate');
  const lines: string[] = [];
  const log = createLogger({
    name: 'test',
    level: 'warn',
    format: 'json',
    destination: { write: (line) => lines.push(line) },
  });
  const clock = new SimulatedClock();
  const handlers = new Map<string, MessageHandler>();
  new GatewayListener({
    store: site.store,
    site: 'yard',
    view: new SiteView('yard', site.store, clock),
    reported: async () => {},
    clock,
    log,
    onChange: () => {},
  }).listen({
    publish: async () => {},
    subscribe: (filter, handler) => {
      handlers.set(filter, handler);
      return () => {};
    },
  });
  const hear = (gateway: string) =>
    handlers.get('blindsight/v1/yard/+/health')!(
      `blindsight/v1/yard/${gateway}/health`,
      Buffer.from('{'),
      PACKET,
    );
  for (let index = 0; index < 50; index++) hear('gate');
  hear('other');
  const said = () => lines.map((line) => JSON.parse(line)).map(({ gateway, count }) => [gateway, count]);
  await vi.waitFor(() => expect(said()).toHaveLength(2), WAIT);
  await clock.advance(60_000);
  hear('gate');
  await vi.waitFor(() => expect(said()).toHaveLength(3), WAIT);
  expect(said()).toEqual([
    ['gate', 1],
    ['other', 1],
    ['gate', 50],
  ]);
});

it.each(['birth', 'state', 'health', 'log', 'reported', 'camera/door/state'])(
  'does bounded work for a flood on %s, and hears the others meanwhile',
  async (leaf) => {
    const site = await makeTestSite();
    onTestFinished(() => site.close());
    await enrolTestGateway(site, 'loud');
    await enrolTestGateway(site, 'quiet', '02');
    const lines: string[] = [];
    const log = createLogger({
      name: 'test',
      level: 'warn',
      format: 'json',
      destination: { write: (line) => void lines.push(line) },
    });
    const clock = new SimulatedClock();
    const handlers = new Map<string, MessageHandler>();
    const view = new SiteView('yard', site.store, clock);
    const reported = vi.fn(async () => {});
    new GatewayListener({
      store: site.store,
      site: 'yard',
      view,
      reported,
      clock,
      log,
      onChange: () => {},
    }).listen({
      publish: async () => {},
      subscribe: (filter, handler) => {
        handlers.set(filter, handler);
        return () => {};
      },
    });
    const hear = (gateway: string, topic: string, message: object) => {
      const filter = topic.replace('camera/door', 'camera/+');
      const payload = Buffer.from(JSON.stringify(message));
      handlers.get(`blindsight/v1/yard/+/${filter}`)!(
        `blindsight/v1/yard/${gateway}/${topic}`,
        payload,
        PACKET,
      );
    };
    const time = new Date(clock.now()).toISOString();
    const base = { time, session: 1, gateway: 'loud', camera: 'door' };
    const messages: Record<string, object> = {
      birth: { ...base, version: '1', platform: 'x', cameras: ['door'], bundle: null },
      state: { ...base, state: 'online', reason: 'started' },
      log: { time, level: 'error', code: 'X', message: 'x'.repeat(900) },
    };
    const looked = vi.spyOn(site.store.gateways, 'get');
    for (let i = 0; i < 20_000; i++) hear('loud', leaf, messages[leaf] ?? base);
    expect(looked.mock.calls.length).toBeLessThanOrEqual(MESSAGES_A_MINUTE);
    hear('quiet', 'log', { time, level: 'error', code: 'HELP', message: 'fire' });
    await vi.waitFor(
      async () =>
        expect((await site.store.journal.latest(500)).some(({ subject }) => subject === 'quiet')).toBe(true),
      { timeout: 120_000 },
    );
    const loud = (await site.store.journal.latest(500)).filter(({ subject }) => subject === 'loud');
    expect(loud.length).toBeLessThanOrEqual(30);
    expect(lines.filter((line) => line.includes('messages a minute'))).toHaveLength(1);
    await clock.advance(60_000);
    looked.mockClear();
    hear('loud', 'log', { time, level: 'error', code: 'HELP', message: 'fire' });
    await vi.waitFor(() => expect(looked).toHaveBeenCalledWith('loud'), WAIT);
  },
);
