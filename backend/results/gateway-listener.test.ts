import { expect, it, onTestFinished, vi } from 'vitest';
import type { MessageHandler } from '#runtime/link.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { enrolTestGateway, makeTestSite } from '../testing/test-site.ts';
import { GatewayListener } from './gateway-listener.ts';
import { SiteView } from './site-view.ts';

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
  await vi.waitFor(() => expect(said()).toHaveLength(2));
  await clock.advance(60_000);
  hear('gate');
  await vi.waitFor(() => expect(said()).toHaveLength(3));
  expect(said()).toEqual([
    ['gate', 1],
    ['other', 1],
    ['gate', 50],
  ]);
});
