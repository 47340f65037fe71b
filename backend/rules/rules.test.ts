import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Rule } from '#protocol/rule.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { SiteView } from '../results/site-view.ts';
import type { SettledAnswer } from '../store/feed.ts';
import { classed, type Said, settledAnswer } from '../testing/settled-answer.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { Rules } from './rules.ts';

const BEGUN_MS = Date.parse('2026-01-10T20:00:00.000Z');
const SETTINGS = { beginSeconds: 1, endSeconds: 5, silenceSeconds: 60, days: 90 };
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const [ABSENT, PRESENT] = [classed('absent'), classed('present')];

let site: TestSite;
let clock: SimulatedClock;
let view: SiteView;
let rules: Rules;
let stop: AbortController;
let sequence: number;

/** The backend starts, perhaps again. */
function start(): void {
  stop?.abort();
  stop = new AbortController();
  view = new SiteView(site.name, site.store, clock);
  rules = new Rules({
    ...{ clock, log, settings: SETTINGS, timeZone: 'Europe/Vienna' },
    snapshot: () => view.snapshot(),
    answersAbout: (camera, region) => view.answersAbout(camera, region),
    onChange: () => {},
  });
  void rules.run(stop.signal);
}

beforeEach(async () => {
  site = await makeTestSite();
  clock = new SimulatedClock(BEGUN_MS);
  sequence = 0;
  await enrolTestGateway(site, 'gate', '01', BEGUN_MS);
  await site.store.cameras.claim('door', 'gate', 1);
  start();
});
afterEach(async () => {
  stop.abort();
  await site.close();
});

const answer = (said: Said | null, more: Partial<SettledAnswer> = {}): SettledAnswer =>
  settledAnswer(said, { sequence: ++sequence, frameMs: clock.now(), storedMs: clock.now(), ...more });

const put = (
  name: string,
  when: { readonly kind: string; readonly [field: string]: unknown },
  more: object = {},
) => {
  const cameras = ['answer', 'absence', 'camera-state'].includes(when.kind) ? { cameras: 'all' } : {};
  return site.store.rules.put(Rule.parse({ name, when: { ...cameras, ...when }, ...more }), 'anna', 5);
};

async function take(...batch: SettledAnswer[]): Promise<void> {
  await site.store.transaction((inside) => rules.take(inside, batch, clock.now()));
  rules.committed();
}

async function tick(seconds = 0): Promise<void> {
  await clock.advance(seconds * 1000);
  await site.store.transaction((inside) => rules.tick(inside, clock.now()));
  rules.committed();
}

/** An answer a second for so long. */
async function see(said: Said, seconds: number): Promise<void> {
  const batch: SettledAnswer[] = [];
  for (let i = 0; i < seconds; i++) {
    batch.push(answer(said));
    await clock.advance(1000);
  }
  await take(...batch);
}

/** `rule subject times: title`, with what has ended in brackets; the first one first. */
async function alerts(): Promise<string[]> {
  return (await site.store.alerts.latest(50)).reverse().map(({ rule, times, title, ended }) => {
    const text = `${rule} ${times}: ${title}`;
    return ended === null ? text : `(${text})`;
  });
}

describe('rules', () => {
  it('raise an alert with who is to be told, and end it', async () => {
    await put(
      'night',
      { kind: 'answer', forSeconds: 10 },
      { severity: 'critical', schedule: { from: '20:00', to: '06:00' } },
    );
    await tick();
    await see(PRESENT, 9);
    expect(await alerts()).toEqual([]);
    await see(PRESENT, 5);
    expect(await site.store.alerts.latest(5)).toMatchObject([
      {
        ...{ rule: 'night', severity: 'critical', subject: { kind: 'camera', name: 'door' } },
        title: 'door: present (90 %)',
        message: 'Rule night: anything at any camera for 10 s, each day from 20:00 to 06:00.',
      },
    ]);
    await see(ABSENT, 10);
    expect(await alerts()).toEqual(['(night 1: door: present (90 %))']);
  });

  it('end what is about a region that is none any more', async () => {
    await put('any', { kind: 'answer' });
    await tick();
    await take(answer({ ...PRESENT, region: 'left' }), answer({ ...PRESENT, region: 'right' }));
    await tick(61);
    expect(await alerts()).toEqual([
      'any 1: door, region left: present (90 %)',
      'any 1: door, region right: present (90 %)',
    ]);
    view.setCameraState({
      ...{ camera: 'door', state: 'streaming', detail: '', since: new Date(clock.now()).toISOString() },
      ...{ captureRate: 1, inferenceRate: 1, nextRetry: null, regions: ['right', 'top'] },
    });
    await tick(61);
    expect(await alerts()).toEqual([
      '(any 1: door, region left: present (90 %))',
      'any 1: door, region right: present (90 %)',
    ]);
    expect(await site.store.rules.progress()).toHaveLength(1);
  });

  it('tell in one line, whatever labels and gateways say', async () => {
    await put('any', { kind: 'answer' });
    await take(answer({ label: 'a\r\nBcc: b', probabilities: {} }));
    expect(await alerts()).toEqual(['any 1: door: a Bcc: b']);
  });

  it('go on counting after a restart, and raise once', async () => {
    await put('long', { kind: 'answer', forSeconds: 60 });
    await tick();
    await see(PRESENT, 30);
    start();
    await clock.advance(20_000);
    await take(answer(PRESENT));
    expect(await alerts()).toEqual([]);
    await clock.advance(10_000);
    await take(answer(PRESENT));
    expect(await alerts()).toEqual(['long 1: door: present (90 %)']);
    start();
    await tick(5);
    await see(PRESENT, 40);
    expect(await alerts()).toEqual(['long 1: door: present (90 %)']);
    start();
    await see(ABSENT, 10);
    expect(await alerts()).toEqual(['(long 1: door: present (90 %))']);
  });

  it('go on counting where the clock of the site is set back, and begin anew after a leap', async () => {
    await put('long', { kind: 'answer', forSeconds: 60 });
    await tick();
    const watch = async (seconds: number) => {
      for (let i = 0; i < seconds; i += 5) {
        await take(answer(PRESENT));
        await clock.advance(5000);
      }
    };
    await watch(30);
    clock.jump(BEGUN_MS - 3_600_000);
    await watch(30);
    expect(await alerts()).toEqual([]);
    await watch(5);
    expect(await alerts()).toEqual(['long 1: door: present (90 %)']);
    await put('other', { kind: 'answer', forSeconds: 60 });
    await tick();
    await watch(30);
    clock.jump(BEGUN_MS + 3_600_000);
    await watch(35);
    expect(await site.store.alerts.lasting('other')).toEqual([]);
  });

  it('raise once what a transaction that was rolled back had raised', async () => {
    await put('now', { kind: 'answer' });
    await tick();
    const failure = new Error('stop');
    const batch = [answer(PRESENT)];
    await expect(
      site.store.transaction(async (inside) => {
        await rules.take(inside, batch, clock.now());
        throw failure;
      }),
    ).rejects.toBe(failure);
    rules.reset();
    expect(await alerts()).toEqual([]);
    await take(...batch);
    expect(await alerts()).toEqual(['now 1: door: present (90 %)']);
  });

  it('tell that nothing comes by the time that the backend was running, whatever clocks do', async () => {
    await put('silent', { kind: 'absence', forSeconds: 100 });
    await tick();
    await take(answer(ABSENT));
    await tick(50);
    start();
    await clock.advance(86_400_000);
    await tick();
    clock.jump(BEGUN_MS + 10 * 86_400_000);
    await tick(30);
    expect(await alerts(), 'after 80 s, a day without backend, and a leap of ten days').toEqual([]);
    await tick(40);
    expect(await alerts()).toEqual(['silent 1: door: no answer']);
    clock.jump(BEGUN_MS);
    await take(answer(ABSENT));
    expect(await alerts()).toEqual(['(silent 1: door: no answer)']);
  });

  it('end what a rule raised that is changed, turned off or removed, and begin anew', async () => {
    for (const change of [
      () => put('now', { kind: 'answer', label: 'unicorn' }),
      () => put('now', { kind: 'answer' }, { enabled: false }),
      () => site.store.rules.remove('now'),
    ]) {
      await put('now', { kind: 'answer' });
      await tick();
      await take(answer(PRESENT));
      expect((await site.store.alerts.lasting('now')).length).toBe(1);
      await change();
      await tick();
      await take(answer(PRESENT));
      expect(await site.store.alerts.lasting('now')).toEqual([]);
    }
    expect(await site.store.rules.progress()).toEqual([]);
  });

  it('also where the backend was not running meanwhile', async () => {
    await put('now', { kind: 'answer' });
    await tick();
    await take(answer(PRESENT));
    await site.store.rules.remove('now');
    start();
    await tick();
    expect(await alerts()).toEqual(['(now 1: door: present (90 %))']);
  });

  it('end what is about a camera that is gone', async () => {
    await put('now', { kind: 'answer' });
    await tick();
    await take(answer(PRESENT));
    await site.store.cameras.release('door');
    await tick(61);
    expect(await alerts()).toEqual(['(now 1: door: present (90 %))']);
    expect(await site.store.rules.progress()).toEqual([]);
  });

  it('tell of what was seen while a gateway was cut off, as something that is over, and once', async () => {
    await put('now', { kind: 'answer', forSeconds: 5 });
    await tick();
    await see(ABSENT, 5);
    const waiting: SettledAnswer[] = [];
    for (let i = 0; i < 90; i++) {
      waiting.push(answer(i >= 20 && i < 40 ? PRESENT : ABSENT));
      await clock.advance(1000);
    }
    await see(ABSENT, 5);
    expect(await alerts()).toEqual([]);
    await take(...waiting);
    expect(await alerts()).toEqual(['(now 1: door: present (90 %))']);
    const [alert] = await site.store.alerts.latest(1);
    expect(alert?.message).toMatch(/It was seen at 2026-01-10T20:00:30\.000Z, and is told late\.$/);
  });

  it('do not tell late what was told already', async () => {
    await put('now', { kind: 'answer', forSeconds: 5 });
    await tick();
    await see(PRESENT, 10);
    const waiting: SettledAnswer[] = [];
    for (let i = 0; i < 30; i++) {
      waiting.push(answer(PRESENT));
      await clock.advance(1000);
    }
    await see(ABSENT, 10);
    await take(...waiting);
    expect(await alerts()).toEqual(['(now 1: door: present (90 %))']);
  });

  it('tell nobody of old pictures, except where only the clock of the gateway is old', async () => {
    await put('now', { kind: 'answer' });
    await tick();
    const old = () => answer(PRESENT, { frameMs: clock.now() - 3_600_000 });
    await take(old());
    expect(await alerts()).toEqual([]);
    const time = new Date(clock.now() - 3_600_000).toISOString();
    const arrival = { atMs: clock.now(), monotonicMs: clock.monotonic(), retained: false };
    view.setGatewayState('gate', { state: 'online', session: 1, time, reason: 'started' }, arrival);
    await clock.advance(5000);
    await take(old());
    expect(await alerts()).toEqual(['now 1: door: present (90 %)']);
  });

  it('go by the state of the site, and neither by what nobody has said nor by what was before the broker went', async () => {
    const arrival = () => ({ atMs: clock.now(), monotonicMs: clock.monotonic(), retained: false });
    const says = (state: 'online' | 'offline') =>
      view.setGatewayState(
        'gate',
        { state, session: 1, time: new Date(clock.now()).toISOString(), reason: 'lost' },
        arrival(),
      );
    await put('gone', {
      kind: 'gateway-state',
      gateways: 'all',
      states: ['offline'],
      forSeconds: 10,
    });
    await put('dumb', {
      kind: 'gateway-state',
      gateways: 'all',
      states: ['unknown'],
      forSeconds: 60,
    });
    await put('blind', { kind: 'camera-state', states: ['unreachable'], forSeconds: 0 });
    await put('expiry', { kind: 'certificate', days: 30 });
    const pass = async (seconds: number) => {
      for (let i = 0; i < seconds; i += 5) await tick(5);
    };
    await pass(120);
    expect(await alerts(), 'no broker').toEqual([]);
    view.setBroker(true, 'connected');
    await pass(60);
    expect(await alerts()).toEqual([]);
    await pass(20);
    expect(await alerts()).toEqual(['dumb 1: gate: gateway has not said anything']);
    says('online');
    view.setCameraState({
      ...{
        camera: 'door',
        state: 'unreachable',
        detail: 'no route',
        since: new Date(clock.now()).toISOString(),
      },
      ...{ captureRate: 0, inferenceRate: 0, nextRetry: null },
    });
    await pass(20);
    expect((await alerts()).slice(0, 2)).toEqual([
      '(dumb 1: gate: gateway has not said anything)',
      'blind 1: door: camera unreachable: no route',
    ]);
    says('offline');
    await pass(20);
    expect((await alerts()).slice(1)).toEqual([
      '(blind 1: door: camera unreachable: no route)',
      'gone 1: gate: gateway offline',
    ]);
    view.setBroker(false, 'gone');
    says('online');
    await pass(30);
    expect((await alerts()).at(-1)).toBe('gone 1: gate: gateway offline');
    view.setBroker(true, 'connected');
    await pass(10);
    expect((await alerts()).at(-1)).toBe('(gone 1: gate: gateway offline)');
  });

  it('count ten thousand times within an hour, and raise as often as the cool-down lets them', async () => {
    await put('flicker', { kind: 'answer' }, { coolDownSeconds: 600 });
    await tick();
    const batch: SettledAnswer[] = [];
    for (let i = 0; i < 600; i++)
      batch.push(
        answer(PRESENT, { frameMs: BEGUN_MS + i * 6000, storedMs: BEGUN_MS + i * 6000 }),
        answer(ABSENT, { frameMs: BEGUN_MS + i * 6000 + 500, storedMs: BEGUN_MS + i * 6000 }),
      );
    // Each of 60 s as it comes.
    for (let i = 0; i < batch.length; i += 20) {
      await clock.advance(60_000);
      await take(...batch.slice(i, i + 20));
    }
    const [alert] = await site.store.alerts.latest(5);
    expect(alert).toMatchObject({ times: 6 });
    expect(alert?.message).toMatch(/It began \d+ more times since, within the cool-down\./);
  });
});
