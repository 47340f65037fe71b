import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CameraState, Result } from '#protocol/messages.ts';
import { systemClock } from '#runtime/clock.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import {
  enrolTestGateway,
  keepTestModel,
  makeTestSite,
  releaseTo,
  type TestSite,
} from '../testing/test-site.ts';
import { SiteView } from './site-view.ts';

const TIME = '2026-01-01T00:00:00.000Z';
const FAR = '2026-01-01T00:10:00.000Z';

function makeResult(second: number, label = 'empty'): Result {
  return {
    camera: 'door',
    model: 'counter',
    modelVersion: 1,
    label,
    probability: 0.9,
    probabilities: { empty: 0.9, occupied: 0.1 },
    frameTime: new Date(second * 1000).toISOString(),
    sequence: second,
    historical: false,
    latencyMs: { prepare: 1, encrypt: 2, evaluate: 3, transport: 4, decrypt: 5, total: 15 },
  };
}

describe('the view of a site', () => {
  let site: TestSite;
  let view: SiteView;
  beforeEach(async () => {
    site = await makeTestSite();
    await enrolTestGateway(site, 'gate');
    await site.store.cameras.claim('door', 'gate', 1);
    view = new SiteView('yard', site.store, systemClock);
  });
  afterEach(() => site.close());

  it('joins what gateways say with what the store knows', async () => {
    await keepTestModel(site, 'counter');
    await releaseTo(site, 'gate', 'counter');
    const arrival = { atMs: Date.parse(FAR), monotonicMs: 0, retained: false };
    view.setGatewayState('gate', { state: 'online', session: 2, time: TIME, reason: 'started' }, arrival);
    view.setResult(makeResult(1));
    await site.store.gateways.quarantine('gate', 'range', 1);
    const state = await view.snapshot();
    expect(state.gateways).toMatchObject([
      {
        name: 'gate',
        state: 'online',
        clockOffsetMs: Date.parse(TIME) - Date.parse(FAR),
        quarantine: { since: '1970-01-01T00:00:00.001Z', reason: 'range' },
        model: { name: 'counter', version: 1 },
      },
    ]);
    expect(state.cameras).toMatchObject([
      { camera: 'door', gateway: 'gate', state: null, result: { sequence: 1 } },
    ]);
    expect(state.models).toMatchObject([{ name: 'counter', version: 1, bundleBytes: 350_000 }]);
  });

  it('never shows a gateway offline beside an answer about a picture that was taken since', async () => {
    const clock = new SimulatedClock(Date.parse(TIME));
    const own = new SiteView('yard', site.store, clock);
    const seconds = Date.parse(TIME) / 1000;
    own.setGatewayState('gate', { state: 'offline', session: 9000, time: TIME, reason: 'lost' });
    await clock.advance(1000);
    own.setResult(makeResult(seconds - 1));
    expect((await own.snapshot()).gateways[0]?.state).toBe('offline');
    own.setResult(makeResult(seconds + 1));
    const [gateway] = (await own.snapshot()).gateways;
    expect(gateway).toMatchObject({ state: 'online', since: new Date((seconds + 1) * 1000).toISOString() });
  });

  it('shows no time in the future, whichever clock is ahead', async () => {
    const clock = new SimulatedClock(Date.parse(TIME));
    const seconds = Date.parse(TIME) / 1000;
    const later = (second: number) => new Date((seconds + second) * 1000).toISOString();
    // Stored and shown while the clock of this machine was an hour ahead.
    const stored = { gateway: 'gate', session: 1, digest: 'a'.repeat(64), camera: 'door', model: 'counter' };
    for (const [sequence, second] of [
      [1, -5],
      [2, 3600],
    ] as const) {
      const frameMs = (seconds + second) * 1000;
      const results = [makeResult(seconds + second)];
      const more = { version: 1, frameMs, storedMs: frameMs, withheld: null, results, sequence };
      await site.store.results.add({ ...stored, ...more });
    }
    const own = new SiteView('yard', site.store, clock);
    own.setResult(makeResult(seconds + 3600));
    expect((await own.snapshot()).cameras[0]?.result).toBeNull();
    await own.load();
    expect((await own.snapshot()).cameras[0]?.result?.frameTime).toBe(later(-5));
    own.setResult(makeResult(seconds - 2));
    expect((await own.snapshot()).cameras[0]?.result?.frameTime).toBe(later(-2));
    // The clock of the gateway is ten minutes ahead.
    own.setGatewayState('gate', { state: 'online', session: 1, time: later(600), reason: 'started' });
    own.setCameraState({
      camera: 'door',
      state: 'unreachable',
      detail: '',
      since: later(590),
      captureRate: 0,
      inferenceRate: 0,
      nextRetry: later(620),
    });
    const { gateways, cameras } = await own.snapshot();
    expect(gateways[0]).toMatchObject({ since: later(0), clockOffsetMs: 600_000 });
    expect(cameras[0]?.state).toMatchObject({ since: later(-10), nextRetry: later(20) });
  });

  it('counts what is missing now, not what came late', async () => {
    const { counters } = site.store;
    await counters.add('refused.signature', 2);
    // Longer ago than a day.
    await counters.noteHour(1);
    await counters.add('gaps', 5);
    await counters.add('late', 2);
    await counters.add('refused.signature', 1);
    const all = { accepted: 0, duplicates: 0, gaps: 3, withheld: 0, refused: { signature: 3 } };
    expect((await view.snapshot()).counters).toEqual({
      ...all,
      last24h: { ...all, refused: { signature: 1 } },
    });
    await counters.noteHour(2);
    expect((await view.snapshot()).counters.last24h).toEqual({ ...all, gaps: 0, refused: {} });
  });

  it('shows the regions that the gateway names, in their order', async () => {
    const state: CameraState = {
      camera: 'door',
      regions: ['right', 'left', 'new'],
      state: 'streaming',
      detail: '',
      since: TIME,
      captureRate: 1,
      inferenceRate: 1,
      nextRetry: null,
    };
    view.setResult(makeResult(1));
    for (const region of ['left', 'right', 'gone']) view.setResult({ ...makeResult(2), region });
    // Until the gateway has said it: what the newest answers were about.
    const known = (await view.snapshot()).cameras[0]!;
    expect([known.result, known.regions.map(({ region }) => region)]).toEqual([
      null,
      ['gone', 'left', 'right'],
    ]);
    view.setCameraState(state);
    const [camera] = (await view.snapshot()).cameras;
    expect(camera!.result).toBeNull();
    expect(camera!.regions).toEqual([
      { region: 'right', result: { ...makeResult(2), region: 'right' } },
      { region: 'left', result: { ...makeResult(2), region: 'left' } },
      { region: 'new', result: null },
    ]);
    const { regions: _, ...whole } = state;
    view.setCameraState(whole);
    expect((await view.snapshot()).cameras[0]).toMatchObject({ result: { sequence: 1 }, regions: [] });
  });

  it('shows the newest answer of each region after a restart', async () => {
    const record = { gateway: 'gate', session: 1, digest: 'a'.repeat(64), camera: 'door', model: 'counter' };
    const answers = ['left', 'right'].map((region) => ({ ...makeResult(3), region }));
    const more = { version: 1, frameMs: 3000, storedMs: 3000, withheld: null, results: answers };
    await site.store.results.add({ ...record, ...more, sequence: 1 });
    const restarted = new SiteView('yard', site.store, systemClock);
    await restarted.load();
    expect((await restarted.snapshot()).cameras).toMatchObject([
      { result: null, regions: answers.map((result) => ({ region: result.region, result })) },
    ]);
  });

  it('forgets the answers of cameras and regions that are gone, and no others', async () => {
    const { cameras } = site.store;
    for (const camera of ['gate-way', 'yard']) await cameras.claim(camera, 'gate', 1);
    await cameras.setPresent('gate', ['door', 'yard'], 2);
    const names = () =>
      view.latestResults().map(({ camera, region }) => [camera, region].filter(Boolean).join('/'));
    view.setResult({ ...makeResult(1), camera: 'gate-way' });
    view.setResult({ ...makeResult(1), camera: 'nobodys' });
    view.setResult(makeResult(1));
    for (let i = 0; i < 70; i++) view.setResult({ ...makeResult(i), camera: 'yard', region: `r-${i}` });
    await view.forgetGone();
    // What `yard` answers about was not said: the newest, as many as a camera may have.
    const newest = Array.from({ length: 64 }, (_, i) => `yard/r-${i + 6}`);
    expect(names()).toEqual(['door', ...newest]);
    const state = { state: 'streaming', detail: '', since: TIME, captureRate: 1, inferenceRate: 1 } as const;
    view.setCameraState({ ...state, camera: 'yard', regions: ['r-69', 'r-7'], nextRetry: null });
    view.setCameraState({ ...state, camera: 'door', nextRetry: null });
    await view.forgetGone();
    expect(names()).toEqual(['door', 'yard/r-7', 'yard/r-69']);
    view.setCameraState({ ...state, camera: 'door', regions: ['left'], nextRetry: null });
    await view.forgetGone();
    expect(names()).toEqual(['yard/r-7', 'yard/r-69']);
  });
});
