import { describe, expect, it } from 'vitest';
import {
  cameraOf,
  cameraStateOf,
  FIXTURE_TIME,
  gatewayOf,
  mapResultOf,
  resultOf,
  siteOf,
} from '../testing/fixtures.ts';
import { DE } from '../words/de.ts';
import { EN } from '../words/en.ts';
import { cameraStatus } from './camera-status.ts';
import { siteNeeds } from './site-needs.ts';
import { situationWords } from './situation-words.ts';
import { filterTiles, groupTiles, tilesOf } from './tile.ts';

const NOW_MS = Date.parse(FIXTURE_TIME);
const later = (seconds: number) => NOW_MS + seconds * 1000;
const needsOf = (site = siteOf(), nowMs = NOW_MS) => siteNeeds({ phase: 'live', site }, nowMs, EN);

describe('siteNeeds', () => {
  it('is well only where every camera is heard of and answers', () => {
    expect(needsOf()).toEqual({ tone: 'good', headline: 'All well', detail: '1 camera', count: 0 });
    expect(needsOf(siteOf(), later(11))).toMatchObject({ tone: 'warn', headline: 'counter: No answers' });
    const waiting = siteOf({ cameras: [cameraOf({ result: null })] });
    expect(needsOf(waiting)).toMatchObject({ tone: 'wait', headline: 'Waiting for 1 camera', count: 0 });
    expect(needsOf(siteOf({ cameras: [] }))).toMatchObject({ tone: 'off', headline: 'No camera yet' });
    const off = siteOf({ cameras: [cameraOf({ state: cameraStateOf({ state: 'disabled' }) })] });
    expect(needsOf(off).tone).toBe('off');
    for (const phase of ['opening', 'locked', 'away'] as const)
      expect(siteNeeds({ phase, site: phase === 'away' ? siteOf() : null }, NOW_MS, EN).tone).not.toBe(
        'good',
      );
  });

  it('names the worst of several, and does not count the cameras of a gateway that is gone', () => {
    const cameras = ['a', 'b'].map((camera) => cameraOf({ camera }));
    const gone = siteOf({ cameras, gateways: [gatewayOf({ state: 'offline' })] });
    expect(needsOf(gone)).toMatchObject({ tone: 'bad', headline: 'Gateway gate-1 is offline', count: 1 });
    const alert = {
      ...{ id: 1, rule: 'night', title: 'Someone', message: '', raised: FIXTURE_TIME, ended: null, times: 1 },
      subject: { kind: 'camera', name: 'a' } as const,
    };
    const open = [
      { ...alert, severity: 'critical', acknowledged: { by: 'ann', at: FIXTURE_TIME } } as const,
      { ...alert, severity: 'warning', acknowledged: null } as const,
      { ...alert, severity: 'info', acknowledged: null } as const,
    ];
    expect(siteNeeds({ phase: 'live', site: { ...gone, alerts: { open, count: 3 } } }, NOW_MS, DE)).toEqual({
      ...{ tone: 'bad', headline: '2 brauchen Sie', detail: 'Gateway gate-1 ist nicht verbunden', count: 2 },
    });
    const over = { ...alert, severity: 'warning', acknowledged: null, ended: FIXTURE_TIME } as const;
    expect(needsOf(siteOf({ alerts: { open: [over], count: 1 } })).headline).toBe('Someone (ended)');
  });
});

describe('cameraStatus', () => {
  const of = (site = siteOf(), nowMs = NOW_MS, isAway = false) =>
    cameraStatus(site, site.cameras[0]!, nowMs, EN, isAway);

  it('is one, and good only where answers come', () => {
    expect(of()).toEqual({ tone: 'good', word: 'Watching', reason: '' });
    expect(of(siteOf(), later(11)).word).toBe('No answers');
    expect(of(siteOf(), NOW_MS, true)).toMatchObject({ tone: 'off', word: 'Unknown' });
    const cut = siteOf({ broker: { connected: false, detail: '' } });
    expect(of(cut, later(11))).toMatchObject({ tone: 'off', word: 'Unknown' });
    const kept = siteOf({
      gateways: [gatewayOf({ quarantine: { since: FIXTURE_TIME, reason: 'not-zero' } })],
    });
    expect(of(kept)).toMatchObject({ tone: 'off', word: 'Quarantined' });
  });
});

describe('tiles', () => {
  const cameras = [
    cameraOf({ camera: 'a', groups: ['North'] }),
    cameraOf({ camera: 'b', displayName: 'Back door', state: cameraStateOf({ state: 'unreachable' }) }),
    cameraOf({ camera: 'c', groups: ['North', 'South'], state: cameraStateOf({ state: 'disabled' }) }),
  ];
  const tiles = tilesOf(siteOf({ cameras }), NOW_MS, EN, false);

  it('stand in order of need, what is switched off last', () => {
    expect(tiles.map(({ name, status, isStale }) => [name, status, isStale])).toEqual([
      ['Back door', 'Unreachable', true],
      ['a', 'Watching', false],
      ['c', 'Switched off', false],
    ]);
    const all = { words: '', onlyNeedy: false };
    expect(filterTiles(tiles, { ...all, onlyNeedy: true }).map(({ camera }) => camera)).toEqual(['b']);
    expect(filterTiles(tiles, { ...all, words: 'north off' }).map(({ camera }) => camera)).toEqual(['c']);
  });

  it('are grouped, the group in need first, in each group that they are in', () => {
    expect(
      groupTiles(tiles).map(({ group, tiles: own }) => [group, own.map(({ camera }) => camera)]),
    ).toEqual([
      [null, ['b']],
      ['North', ['a', 'c']],
      ['South', ['c']],
    ]);
  });
});

describe('situationWords', () => {
  const told = { camera: 'counter', since: '2026-03-01T11:04:00.000Z', visitsToday: 5 };
  const person = { ...told, label: 'person', present: true };
  const words = (situations: readonly (typeof person)[], result = resultOf()) =>
    situationWords({ situations }, result, NOW_MS, EN);

  it('says since when, and how often, of what the answer speaks of', () => {
    expect(words([person])).toMatch(/^since \d\d:04 · 5th visit today$/);
    const gone = { ...person, present: false };
    expect(words([gone], resultOf({ label: 'empty' }))).toMatch(/^since \d\d:04 · 5 visits today$/);
    // The answer has changed a moment ago, which is not yet believed.
    expect(words([person], resultOf({ label: 'empty' }))).toBe('');
    expect(words([gone])).toBe('');
    expect(words([])).toBe('');
  });

  it('says of counts how many came, and how long they stay', () => {
    const cars = { ...told, label: 'car', present: true, count: 3, entriesToday: 12, dwellSeconds: 300 };
    const say = (size?: 'short') => situationWords({ situations: [cars] }, mapResultOf(), NOW_MS, EN, size);
    expect(say()).toMatch(/^since \d\d:04 · 12 today · 5.min each$/);
    expect(say('short')).toMatch(/^since \d\d:04 · 12 today$/);
  });
});
