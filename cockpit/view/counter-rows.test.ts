import { describe, expect, it } from 'vitest';
import { gatewayOf, healthOf, siteOf } from '../testing/fixtures.ts';
import { counterRows, refusalRows } from './counter-rows.ts';

const outbox = (waiting: number, dropped: number) =>
  healthOf({ outbox: { waiting, dropped, bytes: 0, oldestSeconds: 0 } });

const counters = {
  accepted: 5120,
  duplicates: 2,
  gaps: 3,
  refused: { signature: 4, oversized: 9, replayed: 0 },
  withheld: 1,
};

describe('counterRows', () => {
  it('adds up what the backend and every gateway counted', () => {
    const site = siteOf({
      counters,
      gateways: [
        gatewayOf({ health: outbox(5, 1) }),
        gatewayOf({ name: 'gate-2', health: outbox(7, 0) }),
        gatewayOf({ name: 'gate-3', health: null }),
      ],
    });
    const counts = Object.fromEntries(counterRows(site).map(({ key, count }) => [key, count]));
    expect(counts).toEqual({
      accepted: 5120,
      gaps: 3,
      duplicates: 2,
      withheld: 1,
      refused: 13,
      waiting: 12,
      dropped: 1,
    });
  });

  it('is calm about zeros, and loud about what is refused', () => {
    const tones = (site: ReturnType<typeof siteOf>) =>
      Object.fromEntries(counterRows(site).map(({ key, tone }) => [key, tone]));
    expect(tones(siteOf())).toMatchObject({ withheld: 'off', refused: 'off', dropped: 'off' });
    expect(tones(siteOf({ counters }))).toMatchObject({ withheld: 'warn', refused: 'bad' });
  });
});

describe('refusalRows', () => {
  it('lists reasons that happened, most frequent first, in words', () => {
    const rows = refusalRows(siteOf({ counters }));
    expect(rows.map(({ key, count }) => [key, count])).toEqual([
      ['oversized', 9],
      ['signature', 4],
    ]);
    expect(rows[0]?.explanation).toMatch(/larger than any answer/);
  });
});
