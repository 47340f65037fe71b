import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import type { SettledAnswer } from '../store/feed.ts';
import { classed, counted, type Said, settledAnswer } from '../testing/settled-answer.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { LocalTime } from './local-time.ts';
import { Situations } from './situations.ts';

const BEGUN_MS = Date.parse('2026-01-10T20:00:00.000Z');
const SETTINGS = { beginSeconds: 1, endSeconds: 5, silenceSeconds: 60, days: 90 };

let site: TestSite;
let clock: SimulatedClock;
let situations: Situations;
let sequence: number;
let isTold: boolean;
let regions: readonly string[] | null;

const restart = () => {
  situations = new Situations({
    ...{ clock, settings: SETTINGS, localTime: new LocalTime('Europe/Vienna') },
    answersAbout: (_, region) => regions === null || (region !== undefined && regions.includes(region)),
    onChange: () => {
      isTold = true;
    },
  });
};

beforeEach(async () => {
  site = await makeTestSite();
  clock = new SimulatedClock(BEGUN_MS);
  sequence = 0;
  regions = null;
  restart();
  await enrolTestGateway(site, 'gate');
  await site.store.cameras.claim('door', 'gate', 1);
});
afterEach(() => site.close());

/** An answer of the camera, now. */
const answer = (said: Said | null, more: Partial<SettledAnswer> = {}): SettledAnswer =>
  settledAnswer(said, { sequence: ++sequence, frameMs: clock.now(), storedMs: clock.now(), ...more });

async function take(...batch: SettledAnswer[]): Promise<void> {
  await site.store.transaction((inside) => situations.take(inside, batch, clock.now()));
  situations.committed();
}

async function tick(seconds = 0): Promise<void> {
  await clock.advance(seconds * 1000);
  await site.store.transaction((inside) => situations.tick(inside, clock.now()));
  situations.committed();
}

/** Answers each `stepSeconds` for so long. */
async function see(said: Said | null, seconds: number, stepSeconds = 0.5): Promise<void> {
  await take(...(await answers(said, seconds, stepSeconds)));
}

async function answers(said: Said | null, seconds: number, stepSeconds: number): Promise<SettledAnswer[]> {
  const batch: SettledAnswer[] = [];
  for (let at = 0; at < seconds; at += stepSeconds) {
    batch.push(answer(said));
    await clock.advance(stepSeconds * 1000);
  }
  return batch;
}

const events = () => site.store.recordedEvents.list({ limit: 100 });
/** Start and end in seconds since the begin. */
const spans = async () =>
  (await events())
    .reverse()
    .map(({ start, end }) => [start, end].map((time) => time && (Date.parse(time) - BEGUN_MS) / 1000));

describe('situations', () => {
  it('say since when something is there, and keep it as an event', async () => {
    await see(classed('absent'), 10);
    await see(classed('present', 0.8), 20);
    await see(classed('present', 0.95), 10);
    expect(isTold).toBe(true);
    expect(situations.of('door')).toEqual([
      {
        ...{ camera: 'door', label: 'present', present: true, visitsToday: 1 },
        since: new Date(BEGUN_MS + 10_000).toISOString(),
      },
    ]);
    expect(await events()).toMatchObject([{ model: 'counter', end: null, reviewed: null }]);
    await see(classed('absent'), 10);
    expect(await events()).toMatchObject([{ label: 'present', peak: 0.95, answers: 60 }]);
    expect(await spans()).toEqual([[10, 40]]);
    expect(situations.of('door')).toMatchObject([
      { present: false, since: new Date(BEGUN_MS + 40_000).toISOString(), visitsToday: 1 },
    ]);
  });

  it('pass over a flash and a flicker', async () => {
    await see(classed('absent'), 5);
    await see(classed('present'), 0.5);
    await see(classed('absent'), 5);
    expect(await events()).toEqual([]);
    await see(classed('present'), 5);
    await see(classed('absent'), 3);
    await see(classed('present'), 5);
    await see(classed('absent'), 8);
    expect(await spans()).toEqual([[10.5, 23.5]]);
  });

  it('work with one answer in ten seconds', async () => {
    for (const label of ['absent', 'present', 'present', 'absent', 'absent'] as const) {
      await take(answer(classed(label)));
      for (let second = 0; second < 10; second++) await tick(1);
    }
    expect(await spans()).toEqual([[10, 30]]);
  });

  it('hold what was told of a network that lets changes out only', async () => {
    await take(answer({ label: 'present' }));
    await see(null, 30);
    expect(situations.of('door')).toMatchObject([{ present: true }]);
    await see({ label: 'absent' }, 0.5);
    await see(null, 30);
    expect(await spans()).toEqual([[0, 30]]);
  });

  it('count by zone: how many, how many came, how long each stayed', async () => {
    await see(counted(2, 0), 10);
    await see(counted(3, 1), 20);
    await see(counted(2, 0), 10);
    await see(counted(3, 2), 20);
    const gate = situations.of('door').find(({ zone }) => zone === 'gate');
    expect(gate).toMatchObject({ label: 'person', present: true, count: 2, visitsToday: 2, entriesToday: 3 });
    // One stayed 20 s and the 5 s until that was sure, two 20 s less the second until that was.
    expect(gate?.dwellSeconds).toBeCloseTo((24 + 2 * 18.5) / 3, 0);
    expect(situations.of('door').find(({ zone }) => zone === undefined)).toMatchObject({
      ...{ count: 3, entriesToday: 4, visitsToday: 1 },
    });
    expect((await events()).filter(({ zone }) => zone === 'gate')).toMatchObject([
      { end: null, peak: 2 },
      { peak: 1 },
    ]);
    await see({ counts: { person: 3 } }, 10);
    expect(
      situations.of('door').find(({ zone }) => zone === 'gate'),
      'a zone that was removed',
    ).toMatchObject({
      present: false,
    });
  });

  it('do not know what is there without answers, and end what was', async () => {
    await see(classed('present'), 10);
    await tick(30);
    expect(situations.of('door')).toMatchObject([{ present: true }]);
    await tick(31);
    expect(situations.of('door')).toMatchObject([
      { present: null, since: new Date(BEGUN_MS + 9500).toISOString() },
    ]);
    expect(await spans()).toEqual([[0, 9.5]]);
    await take(answer(null, { withheld: 'range' }));
    expect(situations.of('door'), 'nothing was said').toMatchObject([{ present: null }]);
    await see(classed('present'), 10);
    expect(await spans()).toEqual([
      [0, 9.5],
      [71, null],
    ]);
  });

  it('keep what late answers show as events of the past, once, and leave the present as it is', async () => {
    await see(classed('present'), 10);
    const cutMs = clock.now();
    const waiting = [
      ...(await answers(classed('present'), 20, 1)),
      ...(await answers(classed('absent'), 20, 1)),
      ...(await answers(classed('present'), 10, 1)),
      ...(await answers(classed('absent'), 10, 1)),
    ];
    await clock.advance(10_000);
    await see(classed('absent'), 10);
    await take(...waiting);
    await take(answer(classed('present'), { sequence: 3, frameMs: BEGUN_MS + 1500 }));
    expect(situations.of('door')).toMatchObject([{ present: false, visitsToday: 1 }]);
    await tick(11);
    // Up to the cut as it was seen; then by what came late.
    expect(await spans()).toEqual([
      [0, 9.5],
      [10, 30],
      [50, 60],
    ]);
    expect((cutMs - BEGUN_MS) / 1000).toBe(10);
    expect((await events()).map(({ answers: seen }) => seen)).toEqual([10, 20, 20]);
  });

  it('go on after a restart where they were, with one event and no more', async () => {
    await see(classed('present'), 10);
    restart();
    await clock.advance(20_000);
    await tick();
    expect(situations.of('door')).toMatchObject([{ present: true, visitsToday: 1 }]);
    await see(classed('present'), 10);
    await see(classed('absent'), 10);
    expect(await spans()).toEqual([[0, 40]]);
  });

  it('do not know what was there while the backend was gone for long', async () => {
    await see(classed('present'), 10);
    restart();
    await clock.advance(600_000);
    await see(classed('absent'), 10);
    const [[start, end]] = (await spans()) as [[number, number]];
    expect(start).toBe(0);
    expect(end).toBeLessThan(10);
    expect(situations.of('door')).toMatchObject([{ present: false, visitsToday: 1 }]);
  });

  it('read what is stored again where a transaction was rolled back', async () => {
    await see(classed('absent'), 5);
    const failure = new Error('stop');
    const batch = [answer(classed('present')), answer(classed('present'), { frameMs: clock.now() + 3000 })];
    await expect(
      site.store.transaction(async (inside) => {
        await situations.take(inside, batch, clock.now());
        throw failure;
      }),
    ).rejects.toBe(failure);
    situations.reset();
    expect(await events()).toEqual([]);
    await take(...batch);
    expect(await events()).toHaveLength(1);
  });

  it('keep their counting where the clock is set back, and make no event of a leap', async () => {
    await see(classed('present'), 10);
    clock.jump(BEGUN_MS - 3_600_000);
    await take(answer(classed('present')));
    await see(classed('present'), 10);
    expect(situations.of('door')).toMatchObject([{ present: true, visitsToday: 1 }]);
    await see(classed('absent'), 10);
    expect(await spans()).toEqual([[-3609.5, -3590]]);
    await see(classed('present'), 0.5);
    clock.jump(BEGUN_MS + 86_400_000);
    await see(classed('absent'), 10);
    expect(await spans()).toHaveLength(1);
    clock.jump(BEGUN_MS);
    restart();
    await see(classed('absent'), 10);
    await see(classed('present'), 10);
    expect(await spans(), 'a restart after a leap').toEqual([
      [-3609.5, -3590],
      [10, null],
    ]);
  });

  it('begin each day anew at midnight of the site, also where summer time ends', async () => {
    clock.jump(Date.parse('2026-10-24T21:59:00.000Z'));
    await see(classed('present'), 30, 5);
    await see(classed('absent'), 20, 5);
    expect(situations.of('door')).toMatchObject([{ visitsToday: 1 }]);
    await see(classed('present'), 20, 5);
    expect(situations.of('door'), 'there at midnight').toMatchObject([{ visitsToday: 1, present: true }]);
    await see(classed('absent'), 10, 5);
    clock.jump(Date.parse('2026-10-25T22:59:30.000Z'));
    await see(classed('present'), 10, 5);
    expect(situations.of('door'), 'this day has 25 hours').toMatchObject([{ visitsToday: 2 }]);
    await see(classed('absent'), 30, 5);
    expect(situations.of('door')).toMatchObject([{ visitsToday: 0 }]);
  });

  it('forget cameras that are gone', async () => {
    await see(classed('present'), 10);
    await site.store.cameras.release('door');
    await tick(61);
    expect(situations.of('door')).toEqual([]);
    expect(await site.store.situations.all()).toEqual([]);
    expect(await events()).toMatchObject([{ end: expect.any(String) }]);
  });

  it('forget what is about a region that is none any more, and end its events', async () => {
    await see({ ...classed('present'), region: 'left' }, 5);
    await see({ ...classed('present'), region: 'right' }, 5);
    await tick(1);
    regions = ['right'];
    await tick(61);
    expect(situations.of('door').map(({ region }) => region)).toEqual(['right']);
    expect(await site.store.situations.all()).toHaveLength(1);
    expect((await events()).find(({ region }) => region === 'left')?.end).toEqual(expect.any(String));
  });

  it('keep no more than so many events of an hour, and the journal says so', async () => {
    const batch: SettledAnswer[] = [];
    for (let i = 0; i < 300; i++) {
      batch.push(...(await answers(classed('present'), 1.5, 1)));
      batch.push(...(await answers(classed('absent'), 6, 3)));
    }
    await take(...batch);
    expect(situations.of('door')).toMatchObject([{ visitsToday: 300 }]);
    expect(await site.store.recordedEvents.list({ limit: 1000 })).toHaveLength(120);
    await tick(3600);
    const said = (await site.store.journal.latest(10)).map(({ code, message }) => `${code} ${message}`);
    expect(said).toEqual([
      'EVENTS_OMITTED door had 180 more events in the hour from 2026-01-10T20:00:00.000Z than are kept',
      'EVENTS_OMITTED door has had 120 events since 2026-01-10T20:00:00.000Z; further ones of this hour are counted, and not kept',
    ]);
  });

  it('bound what a gateway can invent', async () => {
    await take(...Array.from({ length: 300 }, (_, i) => answer({ label: `thing-${i}` })));
    expect(situations.of('door')).toHaveLength(256);
    expect(await site.store.situations.all()).toHaveLength(256);
  });
});
