import { describe, expect, it } from 'vitest';
import { emptyHistory } from '#protocol/thin-history.ts';
import { cameraOf, FIXTURE_TIME, gatewayOf, resultOf, siteOf } from '../testing/fixtures.ts';
import { historyOf, INITIAL_SITE, reduceSite } from './site-model.ts';

const NOW_MS = Date.parse(FIXTURE_TIME);
const live = reduceSite(INITIAL_SITE, { type: 'state', site: siteOf(), atMs: NOW_MS });

describe('reduceSite', () => {
  it('goes live with the first state', () => {
    expect(live).toMatchObject({ phase: 'live', awaySinceMs: null, clockOffsetMs: 0 });
  });

  it('shows a newer answer and keeps it in the history', () => {
    const result = resultOf({ label: 'empty', sequence: 2, frameTime: '2026-03-01T12:00:01.000Z' });
    const next = reduceSite(live, { type: 'result', result, atMs: NOW_MS + 1400 });
    expect(next.site?.cameras[0]?.result).toBe(result);
    expect(historyOf(next, 'counter').times).toEqual([NOW_MS + 1000]);
  });

  it('keeps the regions of a camera apart', () => {
    const camera = cameraOf({
      result: null,
      regions: ['left', 'right'].map((region) => ({ region, result: null })),
    });
    const site = siteOf({ cameras: [camera] });
    const opened = reduceSite(INITIAL_SITE, { type: 'state', site, atMs: NOW_MS });
    const right = resultOf({ region: 'right' });
    const late = resultOf({ region: 'right', frameTime: '2026-03-01T11:59:00.000Z', historical: true });
    const next = [right, late, resultOf()].reduce(
      (model, result) => reduceSite(model, { type: 'result', result, atMs: NOW_MS }),
      opened,
    );
    expect(next.site?.cameras[0]).toEqual({
      ...camera,
      regions: [
        { region: 'left', result: null },
        { region: 'right', result: right },
      ],
    });
    expect(historyOf(next, 'counter', 'right')).toMatchObject({
      region: 'right',
      times: [NOW_MS - 60_000, NOW_MS],
    });
    expect(historyOf(next, 'counter', 'left').times).toEqual([]);
    expect(historyOf(next, 'counter').times).toEqual([NOW_MS]);
    const history = {
      ...historyOf(next, 'counter', 'left'),
      labels: ['person'],
      times: [NOW_MS - 1],
      answers: [1],
    };
    const fetched = reduceSite(next, { type: 'history', history: { ...history, probabilities: [[1]] } });
    expect(historyOf(fetched, 'counter', 'left').times).toEqual([NOW_MS - 1]);
    expect(historyOf(fetched, 'counter', 'right')).toBe(historyOf(next, 'counter', 'right'));
  });

  it('calls a gateway online as soon as it answers about a picture that was taken after it went', () => {
    const gateway = gatewayOf({ state: 'offline', since: '2026-03-01T11:59:59.000Z' });
    const site = siteOf({ gateways: [gateway, gatewayOf({ name: 'gate-2', state: 'offline' })] });
    const opened = reduceSite(INITIAL_SITE, { type: 'state', site, atMs: NOW_MS });
    const answered = (frameTime: string) =>
      reduceSite(opened, { type: 'result', result: resultOf({ frameTime }), atMs: NOW_MS }).site?.gateways;
    expect(answered('2026-03-01T11:59:58.000Z')).toEqual(site.gateways);
    expect(answered(FIXTURE_TIME)).toEqual([
      { ...gateway, state: 'online', since: FIXTURE_TIME },
      site.gateways[1],
    ]);
  });

  it('never lets a late answer replace the present', () => {
    const late = resultOf({ label: 'empty', historical: true, frameTime: '2026-03-01T11:50:00.000Z' });
    const next = reduceSite(live, { type: 'result', result: late, atMs: NOW_MS });
    expect(next.site?.cameras[0]?.result?.label).toBe('person');
    expect(historyOf(next, 'counter').times).toEqual([Date.parse(late.frameTime)]);
  });

  it('keeps the answers that came while the history was fetched', () => {
    const result = resultOf();
    const during = reduceSite(live, { type: 'result', result, atMs: NOW_MS });
    const fetched = {
      ...emptyHistory('counter'),
      answers: [1],
      labels: ['empty', 'person'],
      times: [NOW_MS - 5000],
      probabilities: [[1], [0]],
    };
    const next = reduceSite(during, { type: 'history', history: fetched });
    expect(historyOf(next, 'counter').times).toEqual([NOW_MS - 5000, NOW_MS]);
  });

  it('marks the moment at which an answer is withheld, on all lines of that camera, and not what came while it was away', () => {
    const later = (withheld: number, agoMs = 0) =>
      siteOf({
        time: new Date(NOW_MS - agoMs).toISOString(),
        cameras: [cameraOf({ withheld }), cameraOf({ camera: 'quay', withheld: 7 })],
      });
    const fetched = (camera: string, region?: string) => ({
      ...emptyHistory(camera, region),
      withheld: [NOW_MS - 60_000],
    });
    let model = reduceSite(INITIAL_SITE, { type: 'state', site: later(0, 9000), atMs: NOW_MS });
    for (const history of [fetched('counter'), fetched('counter', 'left'), fetched('quay')])
      model = reduceSite(model, { type: 'history', history });
    for (const [withheld, agoMs] of [
      [0, 8000],
      [2, 5000],
      [3, 4600],
      [4, 3000],
    ] as const)
      model = reduceSite(model, { type: 'state', site: later(withheld, agoMs), atMs: NOW_MS });
    const marks = [NOW_MS - 60_000, NOW_MS - 5000, NOW_MS - 3000];
    expect(historyOf(model, 'counter').withheld).toEqual(marks);
    expect(historyOf(model, 'counter', 'left').withheld).toEqual(marks);
    expect(historyOf(model, 'quay').withheld).toEqual([NOW_MS - 60_000]);

    const away = reduceSite(model, { type: 'away', atMs: NOW_MS });
    const back = reduceSite(away, { type: 'state', site: later(9), atMs: NOW_MS });
    expect(historyOf(back, 'counter').withheld).toEqual(marks);
    const again = { ...fetched('counter'), withheld: [NOW_MS - 5100, NOW_MS - 3000, NOW_MS - 1000] };
    const whole = reduceSite(back, { type: 'history', history: again });
    expect(historyOf(whole, 'counter').withheld).toEqual(again.withheld);
  });

  it('remembers since when the backend is away, and forgets it when it is back', () => {
    const away = reduceSite(live, { type: 'away', atMs: NOW_MS + 1 });
    const still = reduceSite(away, { type: 'away', atMs: NOW_MS + 9000 });
    expect(still).toMatchObject({ phase: 'away', awaySinceMs: NOW_MS + 1 });
    expect(still.site).toBe(live.site);
    const back = reduceSite(still, { type: 'state', site: siteOf(), atMs: NOW_MS });
    expect(back).toMatchObject({ phase: 'live', awaySinceMs: null });
  });

  it('forgets everything when it is locked', () => {
    expect(reduceSite(live, { type: 'locked' })).toEqual({ ...INITIAL_SITE, phase: 'locked' });
  });

  it('follows the clock of the site, but not the delay of the network', () => {
    const offset = (atMs: number) =>
      reduceSite(INITIAL_SITE, { type: 'state', site: siteOf(), atMs }).clockOffsetMs;
    expect(offset(NOW_MS + 900)).toBe(0);
    expect(offset(NOW_MS + 3_600_000)).toBe(-3_600_000);
  });

  it('is not fooled by a camera named like an object’s own method', () => {
    const result = resultOf({ camera: 'constructor' });
    const site = siteOf({ cameras: [cameraOf({ camera: 'constructor', result: null })] });
    const opened = reduceSite(INITIAL_SITE, { type: 'state', site, atMs: NOW_MS });
    const next = reduceSite(opened, { type: 'result', result, atMs: NOW_MS });
    expect(historyOf(next, 'constructor').times).toHaveLength(1);
  });
});
