import { describe, expect, it } from 'vitest';
import { FIXTURE_TIME, gatewayOf, healthOf, siteOf } from '../testing/fixtures.ts';
import { plain } from '../testing/plain.ts';
import { notices } from './notices.ts';

const NOW_MS = Date.parse(FIXTURE_TIME);

describe('notices', () => {
  it('is empty on a good day', () => {
    expect(notices(siteOf(), NOW_MS)).toEqual([]);
  });

  it('puts quarantine before a lost broker before lost gateways', () => {
    const site = siteOf({
      broker: { connected: false, detail: 'connection refused' },
      gateways: [
        gatewayOf({ name: 'gate-1', state: 'offline', since: '2026-03-01T11:55:00.000Z' }),
        gatewayOf({ name: 'gate-2', quarantined: true }),
      ],
    });
    expect(notices(site, NOW_MS).map(({ key, tone }) => [key, tone])).toEqual([
      ['quarantined gate-2', 'bad'],
      ['broker', 'bad'],
      ['offline gate-1', 'warn'],
    ]);
    expect(plain(notices(site, NOW_MS)[2]?.text ?? '')).toBe('Gateway gate-1 is offline for 5 min.');
  });

  it('never lets dropped answers pass silently', () => {
    const outbox = { waiting: 10, dropped: 1200, bytes: 1, oldestSeconds: 60 };
    const [notice] = notices(siteOf({ gateways: [gatewayOf({ health: healthOf({ outbox }) })] }), NOW_MS);
    expect(plain(notice?.text ?? '')).toMatch(/gave up 1 200 of its oldest answers/);
  });
});
