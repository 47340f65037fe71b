import { describe, expect, it } from 'vitest';
import { FIXTURE_TIME, gatewayOf, healthOf, reportedOf, siteOf } from '../testing/fixtures.ts';
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
        gatewayOf({ name: 'gate-2', quarantine: { since: '2026-01-01T00:00:00.000Z', reason: 'not-zero' } }),
      ],
    });
    expect(notices(site, NOW_MS).map(({ key, tone }) => [key, tone])).toEqual([
      ['quarantined gate-2', 'bad'],
      ['broker', 'bad'],
      ['offline gate-1', 'bad'],
    ]);
    expect(notices(site, NOW_MS)[0]?.text).toMatch(
      /since 1.Jan, \d\d:00: places that should be empty were filled\. Its answers are kept unopened, 0 so far\./,
    );
    expect(notices(site, NOW_MS)[2]?.text).toMatch(/^Gateway gate-1 is offline \(since \d\d:55\)\.$/);
  });

  it('says why a gateway is in quarantine, what is kept of it, and how that is decided', () => {
    const quarantine = { since: '2026-01-01T00:00:00.000Z', reason: 'seen open in the street' };
    const gateway = gatewayOf({ quarantine, held: { answers: 1234, dropped: 56 } });
    const text = plain(notices(siteOf({ gateways: [gateway] }), NOW_MS)[0]?.text ?? '');
    expect(text).toMatch(
      /: seen open in the street\. Its answers are kept unopened, 1 234 so far \(56 older ones had to be dropped\)\./,
    );
    expect(text).toContain('“npx blindsight gateway release gate-1 --data /srv/old-town”');
    expect(text).toContain('“--discard”');
  });

  it('says that a key is used up by a quarter, and by half, and what follows', () => {
    const text = (state: 'safe' | 'warning' | 'spent', auditShare = 0.02) => {
      const leak = { state, bits: 1, keyBits: 4, safeDays: 3 };
      return notices(siteOf({ auditShare, gateways: [gatewayOf({ leak })] }), NOW_MS)[0]?.text;
    };
    expect(text('safe')).toBeUndefined();
    expect(text('warning')).toMatch(
      /^Answers of gateway gate-1 may have told a quarter of its key .* gets new keys by itself\.$/,
    );
    expect(text('spent')).toMatch(/ told half of its key .* It gets new keys; /);
    expect(text('spent', 0)).toMatch(/Turn audits on \(audit\.share\)/);
  });

  it('says the same a second later: it is read aloud', () => {
    const site = siteOf({ gateways: [gatewayOf({ state: 'offline', since: '2026-03-01T11:59:30.000Z' })] });
    expect(notices(site, NOW_MS + 1000)).toEqual(notices(site, NOW_MS));
  });

  it('tells of a clock that is wrong, whose, by how much and what to do', () => {
    const texts = (clockOffsetMs: number | null) =>
      notices(siteOf({ gateways: [gatewayOf({ clockOffsetMs })] }), NOW_MS).map(({ text }) => plain(text));
    expect(texts(null)).toEqual([]);
    expect(texts(-59_000)).toEqual([]);
    expect(texts(119_000)[0]).toMatch(/dated by when their answers arrive/);
    expect(texts(720_000)[0]).toMatch(/its answers are refused and lost/);
    expect(texts(720_000)[0]).toMatch(
      /^The clock of gateway gate-1 is 12 min ahead of .*timedatectl set-ntp/,
    );
    expect(texts(-7_500_000)[0]).toMatch(/is 2 h 5 min behind the backend’s\. .*look older/);
  });

  it('reports a gateway that is running twice, and what to do', () => {
    const [notice] = notices(siteOf({ gateways: [gatewayOf({ runsTwiceSince: FIXTURE_TIME })] }), NOW_MS);
    expect(notice?.text).toMatch(
      /^Gateway gate-1 is running twice \(since .*\): .* Stop the one .*gateway enrol.*gateway remove/,
    );
  });

  it('tells of a network that a gateway would not run', () => {
    const refused = reportedOf({
      status: 'refused',
      error: { code: 'FHE_PROGRAM', message: 'Level 3 is missing' },
    });
    const [notice] = notices(siteOf({ gateways: [gatewayOf({ reported: refused })] }), NOW_MS);
    expect(notice?.tone).toBe('bad');
    expect(notice?.text).toMatch(
      /^Gateway gate-1: Refused counter v3\. Level 3 is missing \(FHE_PROGRAM\)\./,
    );
  });

  it('names the full disk of a gateway, and what to do', () => {
    const trouble = { code: 'DISK_FULL', message: 'the disk of the gateway is full: answers are lost' };
    const outbox = { waiting: 10, dropped: 0, bytes: 1, oldestSeconds: 60, trouble };
    const [notice] = notices(siteOf({ gateways: [gatewayOf({ health: healthOf({ outbox }) })] }), NOW_MS);
    expect(notice).toMatchObject({ tone: 'bad' });
    expect(notice?.text).toMatch(
      /^Gateway gate-1: the disk of the gateway is full: answers are lost. Free space/,
    );
  });

  it('shows a code of a newer gateway as it is', () => {
    const trouble = { code: 'LENS_FROZEN', message: 'the lens of the gateway is frozen' };
    const outbox = { waiting: 10, dropped: 0, bytes: 1, oldestSeconds: 60, trouble };
    const [notice] = notices(siteOf({ gateways: [gatewayOf({ health: healthOf({ outbox }) })] }), NOW_MS);
    expect(notice?.text).toBe('Gateway gate-1: the lens of the gateway is frozen. (LENS_FROZEN)');
  });

  it.each([
    [
      'gateway',
      'gate-1',
      /^The certificate of gateway gate-1 expires on .*npx blindsight gateway replace gate-1 --data/,
    ],
    [
      'backend',
      'backend',
      /^The certificate of the backend expires on .*site renew --data .*restart the backend/,
    ],
    [
      'broker',
      'broker',
      /^The certificate of the broker expires on .*npx blindsight site renew --data \/srv\/old-town\.$/,
    ],
  ] as const)(
    'tells a month ahead that the certificate of a %s ends, and what to do',
    (owner, name, text) => {
      const ends = new Date(NOW_MS + 20 * 86_400_000).toISOString();
      const [notice] = notices(siteOf({ endingCertificates: [{ owner, name, ends }] }), NOW_MS);
      expect(notice).toMatchObject({ tone: 'warn' });
      expect(notice?.text).toMatch(text);
      const [late] = notices(siteOf({ endingCertificates: [{ owner, name, ends }] }), Date.parse(ends) + 1);
      expect(late).toMatchObject({ tone: 'bad', text: expect.stringContaining(' expired on ') });
    },
  );

  it('never lets dropped answers pass silently', () => {
    const outbox = { waiting: 10, dropped: 1200, bytes: 1, oldestSeconds: 60 };
    const [notice] = notices(siteOf({ gateways: [gatewayOf({ health: healthOf({ outbox }) })] }), NOW_MS);
    expect(plain(notice?.text ?? '')).toMatch(/lost 1 200 answers before they could be sent/);
  });
});
