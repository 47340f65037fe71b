import { describe, expect, it } from 'vitest';
import type { GatewayState } from '#protocol/messages.ts';
import { GatewayPresence } from './gateway-presence.ts';

const BEGUN_MS = Date.parse('2026-03-01T12:00:00.000Z');
const live = (second: number) => ({
  atMs: BEGUN_MS + second * 1000,
  monotonicMs: second * 1000,
  retained: false,
});
const kept = (second: number) => ({ ...live(second), retained: true });
const clock = (second: number) => new Date(BEGUN_MS + second * 1000).toISOString();
const online = (session: number, second = 0): GatewayState => ({
  state: 'online',
  session,
  time: clock(second),
  reason: 'started',
});
const lost = (session: number, second = 0): GatewayState => ({
  state: 'offline',
  session,
  time: clock(second),
  reason: 'lost',
});

/** What is shown at a moment, by which answers up to another one have come. */
const shown = (presence: GatewayPresence, second: number, frameSecond = -1000) =>
  presence.view(BEGUN_MS + frameSecond * 1000, BEGUN_MS + second * 1000);

describe('the presence of a gateway', () => {
  it('is unknown until something is heard, and then ends with its own last will', () => {
    const presence = new GatewayPresence(live(0));
    expect(shown(presence, 1)).toMatchObject({ state: 'unknown', since: null });
    presence.announced(online(5, 1), live(1));
    expect(shown(presence, 2)).toMatchObject({ state: 'online', since: clock(1) });
    // The will was written when the connection began; it is lost now.
    presence.announced(lost(5, 1), live(60));
    expect(shown(presence, 61)).toMatchObject({ state: 'offline', since: clock(60) });
  });

  it('does not take the late will of an earlier session for the present', () => {
    const presence = new GatewayPresence(live(0));
    presence.announced(online(4), live(1));
    presence.announced(online(5), live(2));
    presence.announced(lost(4), live(3));
    expect(shown(presence, 4).state).toBe('online');
  });

  it('believes a gateway whose sessions went back, and no will of the copy that ran with higher ones', () => {
    const presence = new GatewayPresence(live(0));
    presence.announced(online(1000), live(1));
    presence.announced(online(5), live(2));
    presence.announced(lost(1000), live(3));
    expect(shown(presence, 4)).toMatchObject({ state: 'online', since: clock(2) });
    presence.announced(lost(5), live(9));
    expect(shown(presence, 10)).toMatchObject({ state: 'offline', since: clock(9) });
    presence.announced(online(6), live(11));
    expect(shown(presence, 12)).toMatchObject({ state: 'online', since: clock(11) });
  });

  it('sees that a gateway lives by what it says, although a will of the copy is what the broker kept', () => {
    const presence = new GatewayPresence(live(0));
    presence.announced(lost(1000), kept(1));
    presence.heard(kept(2), clock(2), 5);
    expect(shown(presence, 3).state).toBe('offline');
    presence.heard(live(4), clock(4), 5);
    expect(shown(presence, 5)).toMatchObject({ state: 'online', since: clock(4) });
    // Every new connection of the backend brings the same kept message again.
    presence.announced(lost(1000), kept(6));
    expect(shown(presence, 7).state).toBe('online');
    presence.announced(lost(5), live(8));
    expect(shown(presence, 9).state).toBe('offline');
  });

  it('sees that a gateway lives by its answers, and then believes any will', () => {
    const presence = new GatewayPresence(live(0));
    presence.announced(lost(1000), kept(1));
    presence.answered(BEGUN_MS + 500);
    expect(shown(presence, 1, 0.5).state).toBe('offline');
    presence.answered(BEGUN_MS + 3000);
    expect(shown(presence, 3, 3)).toMatchObject({ state: 'online', since: clock(3) });
    presence.announced(lost(1000), kept(4));
    expect(shown(presence, 5, 4).state).toBe('online');
    presence.announced(lost(5), live(6));
    expect(shown(presence, 7, 4)).toMatchObject({ state: 'offline', since: clock(6) });
  });

  it('does not take what was said before the goodbye for a sign of life', () => {
    const presence = new GatewayPresence(live(0));
    presence.announced(online(5), live(1));
    presence.announced({ ...lost(5), reason: 'stopped' }, live(10));
    presence.heard(live(10), clock(10), 5);
    presence.answered(BEGUN_MS + 9900);
    expect(shown(presence, 11, 9.9)).toMatchObject({ state: 'offline', since: clock(10) });
  });

  it('says of a connection that was lost unseen when the last sign of it was', () => {
    const presence = new GatewayPresence(live(0));
    presence.announced(lost(5, -3600), kept(1));
    expect(shown(presence, 2, -60)).toMatchObject({ state: 'offline', since: clock(-60) });
  });

  it('never speaks of the future, and tells how far the clock is off', () => {
    const presence = new GatewayPresence(live(0));
    presence.announced(online(5, 7200), kept(1));
    expect(shown(presence, 2)).toEqual({ state: 'online', since: clock(1), clockOffsetMs: null });
    presence.heard(live(3), clock(723), 5);
    expect(shown(presence, 4).clockOffsetMs).toBe(720_000);
    expect(presence.toSiteMs(clock(750))).toBe(BEGUN_MS + 30_000);
    presence.heard(live(5), clock(725.4), 5);
    expect(shown(presence, 6).clockOffsetMs).toBe(720_000);
    presence.heard(live(7), clock(6.9), 5);
    expect(shown(presence, 8).clockOffsetMs).toBe(-100);
    expect(presence.toSiteMs(clock(8))).toBe(BEGUN_MS + 8000);
    // A will was written long ago: it says nothing about the clock.
    presence.announced(lost(5, -9000), live(9));
    expect(shown(presence, 10).clockOffsetMs).toBe(-100);
  });
});
