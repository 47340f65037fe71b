import { describe, expect, it } from 'vitest';
import { cameraOf, cameraStateOf, gatewayOf, resultOf, siteOf } from '../testing/fixtures.ts';
import { cameraFreshness, freshness, staleAfterMs } from './freshness.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');
const aged = (ageMs: number) => resultOf({ frameTime: new Date(NOW_MS - ageMs).toISOString() });

describe('freshness', () => {
  it('is none before the first answer', () => {
    expect(freshness(null, 2, NOW_MS)).toEqual({ kind: 'none', ageMs: 0 });
  });

  it('turns stale just past the limit, not at it', () => {
    expect(freshness(aged(10_000), 2, NOW_MS)).toEqual({ kind: 'live', ageMs: 10_000 });
    expect(freshness(aged(10_001), 2, NOW_MS)).toEqual({ kind: 'stale', ageMs: 10_001 });
  });

  it('gives a slow camera the time it needs', () => {
    expect(freshness(aged(14_000), 1 / 3, NOW_MS).kind).toBe('live');
    expect(freshness(aged(16_000), 1 / 3, NOW_MS).kind).toBe('stale');
  });

  it('takes a frame from the future as present', () => {
    expect(freshness(aged(-4000), 2, NOW_MS)).toEqual({ kind: 'live', ageMs: 0 });
  });

  it('does not trust a time that is none', () => {
    expect(freshness(resultOf({ frameTime: 'soon' }), 2, NOW_MS).kind).toBe('none');
  });
});

describe('cameraFreshness', () => {
  it('never calls an answer the present beside a gateway that is offline', () => {
    const kind = (state: 'online' | 'offline' | 'unknown') =>
      cameraFreshness(siteOf({ gateways: [gatewayOf({ state })] }), cameraOf(), aged(500), NOW_MS).kind;
    expect([kind('online'), kind('unknown'), kind('offline')]).toEqual(['live', 'live', 'stale']);
  });
});

describe('an event', () => {
  const event = { ...aged(7_200_000), output: 'event' as const };
  const kind = (site: Parameters<typeof siteOf>[0], camera = cameraOf()) =>
    cameraFreshness(siteOf(site), camera, event, NOW_MS).kind;

  it('holds for hours, as long as the camera is looked at', () => {
    const gateways = [gatewayOf()];
    expect(kind({ gateways })).toBe('live');
    expect(kind({ gateways: [gatewayOf({ state: 'offline' })] })).toBe('stale');
    expect(kind({ gateways, broker: { connected: false, detail: '' } })).toBe('stale');
    expect(kind({ gateways }, cameraOf({ state: cameraStateOf({ state: 'stalled' }) }))).toBe('stale');
    expect(kind({ gateways }, cameraOf({ state: null }))).toBe('stale');
  });
});

describe('staleAfterMs', () => {
  it.each([
    [0, 10_000],
    [Number.NaN, 10_000],
    [25, 10_000],
    [0.25, 20_000],
    [0.001, 60_000],
  ])('at %d answers a second is %d ms', (rate, limit) => {
    expect(staleAfterMs(rate)).toBe(limit);
  });
});
