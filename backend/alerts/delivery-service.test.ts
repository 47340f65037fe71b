import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { Receiver } from '../testing/receiver.ts';
import { makeTestSite, type TestSite } from '../testing/test-site.ts';
import { addChannel, removeChannel } from './channels.ts';
import { DeliveryService, type DeliveryServiceOptions } from './delivery-service.ts';

const HOUR_MS = 3_600_000;
const WAIT = { timeout: 60_000, interval: 5 };

let site: TestSite;
let clock: SimulatedClock;
let receiver: Receiver;
let lines: string[];
let stop: AbortController;
let running: Promise<void> | null;

beforeEach(async () => {
  site = await makeTestSite();
  clock = new SimulatedClock();
  receiver = await Receiver.start();
  lines = [];
  running = null;
});
afterEach(async () => {
  await end();
  await receiver.close();
  await site.close();
});

/** As after a start of the backend. */
function start(options: Partial<DeliveryServiceOptions> = {}): void {
  const destination = { write: (line: string) => lines.push(line) };
  const log = createLogger({ name: 'test', level: 'debug', format: 'json', destination });
  stop = new AbortController();
  running = new DeliveryService({ site, clock, log, random: () => 0.5, pollMs: 60_000, ...options }).run(
    stop.signal,
  );
}

async function end(): Promise<void> {
  if (running === null) return;
  stop.abort();
  await running;
  running = null;
}

const addHook = (name = 'hook', url = receiver.url('/hook?token=secret-path'), more = {}) =>
  addChannel(site, name, { kind: 'webhook', url, allowPrivate: true, ...more }, clock);

/** An alert about a subject of its own. */
async function raise(name: string, notify = ['hook']): Promise<void> {
  await site.store.alerts.raise({
    ...{ rule: 'intruder', severity: 'warning', subject: { kind: 'camera', name } },
    ...{ title: `Someone at ${name}`, message: 'present', atMs: clock.now(), notify },
  });
}

/** Lets time pass, a step at a time, until something is so. */
const until = (condition: () => void | Promise<void>, stepMs = 60_000) =>
  vi.waitFor(async () => {
    await clock.advance(stepMs);
    await condition();
  }, WAIT);

const names = () => receiver.received.map(({ body }) => JSON.parse(body).alert.subject.name as string);
const keys = () => receiver.received.map(({ headers }) => headers['x-blindsight-delivery']);
const waiting = async () => (await site.store.deliveries.counts()).reduce((sum, one) => sum + one.waiting, 0);
const journal = async () => (await site.store.journal.latest(100)).map(({ code }) => code);

it('sends an alert once, signed, with what a receiver needs to know it again', async () => {
  const { secret = '' } = await addHook();
  start();
  await raise('door');
  await until(async () => expect(await waiting()).toBe(0));
  const [{ body, headers }] = receiver.received as [(typeof receiver.received)[number]];
  const { delivery, ...rest } = JSON.parse(body);
  expect(rest).toMatchObject({
    version: 1,
    site: 'yard',
    alert: { title: 'Someone at door', times: 1, acknowledged: null },
  });
  expect(headers['x-blindsight-delivery']).toBe(delivery);
  const [, seconds, signature] =
    /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-blindsight-signature'])) ?? [];
  expect(createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')).toBe(signature);
  expect(Math.abs(Number(seconds) * 1000 - clock.now())).toBeLessThan(HOUR_MS);
  await clock.advance(HOUR_MS);
  expect(receiver.received).toHaveLength(1);
});

it('loses none of a receiver that is down for an hour, says so, and sends them all soon after', async () => {
  await addHook();
  receiver.behavior = (_received, response) => void response.writeHead(503).end();
  start();
  const begun = clock.now();
  const raised: string[] = [];
  while (clock.now() - begun < HOUR_MS) {
    const name = `camera-${raised.length}`;
    raised.push(name);
    await raise(name);
    await until(() => expect(names()).toContain(name));
  }
  await until(async () => expect(await journal()).toContain('CHANNEL_FAILS'));
  expect(await waiting()).toBe(raised.length);
  receiver.behavior = (_received, response) => void response.writeHead(200).end();
  const before = receiver.received.length;
  await until(async () => expect(await waiting()).toBe(0));
  expect([...new Set(names().slice(before))].sort()).toEqual(raised.sort());
  expect(receiver.received).toHaveLength(before + raised.length);
  expect(await journal()).toContain('CHANNEL_WORKS');
  // Each under the one number that it had all the time.
  expect(new Set(keys()).size).toBe(raised.length);
});

it('sends again what was delivered when the backend died before it could note that, under the same number', async () => {
  await addHook();
  const service = site.store.deliveries;
  const delivered = vi.spyOn(service, 'delivered').mockRejectedValue(new Error('killed'));
  start();
  await raise('door');
  await until(() => expect(receiver.received.length).toBeGreaterThan(0));
  await end();
  expect(await waiting()).toBe(1);
  delivered.mockRestore();
  start();
  await until(async () => expect(await waiting()).toBe(0));
  expect(new Set(keys()).size).toBe(1);
  expect(receiver.received.length).toBeGreaterThan(1);
});

it('leaves what is on its way when it ends as it was', async () => {
  await addHook();
  receiver.behavior = () => {};
  start();
  await raise('door');
  await until(() => expect(receiver.received).toHaveLength(1));
  await end();
  expect(await site.store.deliveries.due('hook', clock.now(), HOUR_MS, 10)).toMatchObject([{ attempts: 0 }]);
});

it('lets no channel wait for another, and no alert for one that is never taken', async () => {
  const slow = await Receiver.start();
  slow.behavior = () => {};
  await addHook();
  await addHook('slow', slow.url());
  receiver.behavior = ({ body }, response) =>
    void response.writeHead(body.includes('poison') ? 400 : 200).end();
  start({ deliver: { timeoutMs: 600_000 } });
  await raise('poison', ['slow', 'hook']);
  await until(() => expect(slow.received).toHaveLength(1));
  for (const name of ['door', 'yard']) await raise(name, ['slow', 'hook']);
  await until(() => expect(names()).toEqual(expect.arrayContaining(['door', 'yard'])));
  await until(async () =>
    expect(await site.store.deliveries.due('hook', clock.now() + HOUR_MS, HOUR_MS, 9)).toHaveLength(1),
  );
  expect(slow.received).toHaveLength(1);
  await end();
  await slow.close();
});

it('gives up after three days, and not before; the journal says so', async () => {
  await addHook();
  receiver.behavior = (_received, response) => void response.writeHead(500).end();
  start();
  await raise('door');
  const begun = clock.now();
  // As often as it is tried at least.
  await until(() => expect(receiver.received.length).toBeGreaterThanOrEqual(5));
  clock.jump(begun + 71 * HOUR_MS);
  const before = receiver.received.length;
  await until(() => expect(receiver.received.length).toBeGreaterThan(before));
  expect(await waiting()).toBe(1);
  clock.jump(begun + 72 * HOUR_MS);
  await until(async () => expect(await waiting()).toBe(0));
  const [entry] = await site.store.journal.latest(1);
  expect(entry).toMatchObject({
    code: 'ALERT_UNDELIVERED',
    subject: 'hook',
    message: expect.stringContaining('HTTP 500'),
  });
});

it('does not wait for a clock that was put back', async () => {
  await addHook();
  receiver.behavior = (_received, response) => void response.writeHead(500).end();
  start();
  await raise('door');
  await until(() => expect(receiver.received).toHaveLength(1));
  clock.jump(clock.now() - 365 * 24 * HOUR_MS);
  receiver.behavior = (_received, response) => void response.writeHead(200).end();
  await until(async () => expect(await waiting()).toBe(0));
});

it('gives up what is for a channel that is not there, or is too much, and the journal says how much', async () => {
  await addHook();
  await raise('door', ['nowhere', 'hook']);
  await removeChannel(site, 'hook', clock);
  expect(await site.store.journal.latest(1)).toMatchObject([
    {
      code: 'CHANNEL_REMOVED',
      message: 'channel hook was removed; 1 alerts that waited for it are not delivered',
    },
  ]);
  start();
  await until(async () => expect(await waiting()).toBe(0));
  expect(await site.store.journal.latest(1)).toMatchObject([
    { code: 'ALERT_UNDELIVERED', subject: 'nowhere' },
  ]);
  await end();

  await addHook();
  receiver.behavior = () => {};
  for (const name of ['a', 'b', 'c', 'd']) await raise(name);
  start({ maxWaiting: 2 });
  await until(async () => expect(await waiting()).toBe(2));
  expect(await site.store.journal.latest(1)).toMatchObject([
    {
      code: 'ALERT_UNDELIVERED',
      message: '2 alerts, the oldest, are not delivered through hook: more than 2 alerts wait for it',
    },
  ]);
});

it('lets no secret into log, journal or lists', async () => {
  const { secret = '' } = await addHook();
  await addHook('private', receiver.url('/hook?token=secret-path'), { allowPrivate: false });
  receiver.behavior = (_received, response) =>
    void response.writeHead(302, { location: '/secret-place' }).end('secret-words');
  start();
  await raise('door', ['hook', 'private']);
  await until(async () => expect(await journal()).toContain('CHANNEL_FAILS'));
  await end();
  const said = [
    ...lines,
    JSON.stringify(await site.store.journal.latest(100)),
    JSON.stringify(await site.store.deliveries.counts()),
  ];
  expect(said.join()).toContain('HTTP 302');
  expect(said.join()).toContain('CHANNEL_ADDRESS_PRIVATE');
  for (const one of said) {
    expect(one).not.toContain('secret');
    expect(one).not.toContain(secret);
  }
});
