import { createPublicKey } from 'node:crypto';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { makeKeys, makeTrust, privateKey, type TestKeys, type TrustChanges } from '../testing/make-trust.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { keptOwnerKeys } from './kept-belief.ts';
import { Trust, type TrustOptions } from './trust.ts';

const DAY_MS = 86_400_000;
const log = createLogger({ name: 'agent', level: 'error', format: 'json', destination: { write: () => {} } });

let data: string;
let clock: SimulatedClock;
let keys: TestKeys;
beforeEach(async () => {
  data = await temporaryDirectory();
  clock = new SimulatedClock(Date.UTC(2027, 0, 1));
  keys = makeKeys();
});

async function open(options: Partial<TrustOptions> = {}) {
  const trust = await Trust.open({
    ...{ site: 'town', gateway: 'gate-1', data, clock, log },
    rootKey: createPublicKey(keys.root),
    ownerKey: createPublicKey(keys.owner),
    ...options,
  });
  const events: string[] = [];
  let changes = 0;
  trust.connect({
    onChange: () => changes++,
    onReport: () => {},
    onEvent: (_level, code) => events.push(code),
  });
  return { trust, events, changes: () => changes };
}

const message = (changes: TrustChanges = {}) => makeTrust(keys, clock.now(), changes);
const numbered = (number: number, more: TrustChanges['timestamp'] = {}) =>
  message({ timestamp: { number, ...more } });
const release = (counter: number, expiresMs?: number) => ({ kind: 'release', counter, expiresMs }) as const;
const ids = (trust: Trust) => trust.ownerKeys().map((key) => key.export({ format: 'jwk' }).x);
const idOf = (key: TestKeys['owner']) => createPublicKey(key).export({ format: 'jwk' }).x;

describe('trust', () => {
  it('takes everything that is signed until the site says something for the first time, and never after', async () => {
    const { trust, changes } = await open();
    trust.admit(release(1));
    expect(trust.report).toMatchObject({ status: 'none', number: 0, expires: null });
    await trust.receive(numbered(1, { release: 5, configuration: 7 }));
    expect(changes()).toBe(1);
    trust.admit(release(5));
    trust.admit(release(6));
    expect(() => trust.admit(release(4))).toThrow(expect.objectContaining({ code: 'TRUST_OLD' }));
    expect(() => trust.admit({ kind: 'configuration', counter: 6 })).toThrow(
      expect.objectContaining({ code: 'TRUST_OLD' }),
    );
    trust.admit({ kind: 'software', counter: 1 });
    expect(trust.report).toMatchObject({ status: 'fresh', number: 1, ownerKeys: 1, error: null });
    await clock.advance(3 * DAY_MS);
    for (const again of [trust, (await open()).trust]) {
      expect(again.report).toMatchObject({ status: 'stale', error: { code: 'TRUST_STALE' } });
      expect(() => again.admit(release(6))).toThrow(expect.objectContaining({ code: 'TRUST_STALE' }));
    }
    await trust.receive(numbered(2));
    trust.admit(release(6));
  });

  it.each<[string, string, () => Uint8Array]>([
    ['bytes that are none', 'TRUST_INVALID', () => new Uint8Array([1, 2, 3])],
    ['too many bytes', 'TRUST_INVALID', () => new Uint8Array(100_000)],
    [
      'one for another gateway',
      'TRUST_FOREIGN',
      () => message({ timestamp: { number: 9, gateway: 'gate-2' } }),
    ],
    ['one for another site', 'TRUST_FOREIGN', () => message({ timestamp: { number: 9, site: 'village' } })],
    [
      'the list of another site',
      'TRUST_FOREIGN',
      () => message({ list: { site: 'village' }, timestamp: { number: 9 } }),
    ],
    [
      'a foreign timestamp',
      'TRUST_FOREIGN',
      () => message({ timestamp: { number: 9 }, signer: privateKey() }),
    ],
    [
      'a foreign root',
      'TRUST_FOREIGN',
      () => makeTrust({ ...keys, root: privateKey() }, clock.now(), { timestamp: { number: 9 } }),
    ],
    ['no list at all', 'TRUST_FOREIGN', () => message({ list: null, timestamp: { number: 9 } })],
    [
      'a timestamp beside a list that it was not signed for',
      'TRUST_FOREIGN',
      () => message({ list: { version: 4 }, timestamp: { number: 9, ownerKeys: 3 } }),
    ],
    ['an older list', 'TRUST_OLD', () => message({ list: { version: 2 }, timestamp: { number: 9 } })],
    ['an older timestamp', 'TRUST_OLD', () => message({ list: { version: 3 }, timestamp: { number: 4 } })],
    [
      'another timestamp of the same number',
      'TRUST_OLD',
      () => message({ list: { version: 3 }, timestamp: { number: 5, release: 1 } }),
    ],
    [
      'a timestamp that has expired',
      'TRUST_STALE',
      () => message({ list: { version: 3 }, timestamp: { number: 9, expiresMs: clock.now() } }),
    ],
    [
      'a list that has expired',
      'TRUST_EXPIRED',
      () => message({ list: { version: 3, expiresMs: clock.now() }, timestamp: { number: 9 } }),
    ],
    [
      'a root key that somebody introduces beside the known one',
      'TRUST_FOREIGN',
      () =>
        makeTrust({ ...keys, root: privateKey() }, clock.now(), {
          introducedBy: keys.owner,
          timestamp: { number: 9 },
        }),
    ],
  ])('refuses %s, and goes by what it knew', async (_, code, make) => {
    const { trust, events, changes } = await open();
    await trust.receive(message({ list: { version: 3 }, timestamp: { number: 5, release: 2 } }));
    const before = trust.report;
    await trust.receive(make());
    expect(events).toEqual([code]);
    expect(trust.report).toEqual({ ...before, error: expect.objectContaining({ code }) });
    expect(changes()).toBe(1);
    trust.admit(release(2));
    expect(() => trust.admit(release(1))).toThrow(expect.objectContaining({ code: 'TRUST_OLD' }));
  });

  it('goes by other owner keys that the root names, also after a restart, and never back', async () => {
    const { trust } = await open();
    const [second, third] = [privateKey(), privateKey()];
    expect(ids(trust)).toEqual([idOf(keys.owner)]);
    const both = message({ owners: [second, keys.owner], list: { version: 2 }, timestamp: { number: 2 } });
    await trust.receive(both);
    expect(ids(trust)).toEqual([idOf(second), idOf(keys.owner)]);
    await trust.receive(message({ owners: [third], list: { version: 3 }, timestamp: { number: 3 } }));
    await trust.receive(both);
    const { trust: again } = await open();
    for (const one of [trust, again]) expect(ids(one)).toEqual([idOf(third)]);
    // What a thief of the first key can still sign.
    const forged = message({ list: { version: 1 }, timestamp: { number: 99 } });
    await again.receive(forged);
    expect(ids(again)).toEqual([idOf(third)]);
    // The launcher, which starts programs and listens to nobody, goes by the same.
    const launcher = { site: 'town', gateway: 'gate-1', rootKey: createPublicKey(keys.root) };
    const kept = await keptOwnerKeys(data, { ...launcher, ownerKey: createPublicKey(keys.owner) });
    expect(kept.map((key) => key.export({ format: 'jwk' }).x)).toEqual([idOf(third)]);
    await rm(join(data, 'trust'), { recursive: true });
    expect(await keptOwnerKeys(data, { ...launcher, ownerKey: createPublicKey(keys.owner) })).toEqual([]);
  });

  it('enrolled before there was a root key, learns it by the owner key that it knows, once', async () => {
    const { trust } = await open({ rootKey: null });
    await trust.receive(message({ list: null }));
    expect(trust.report).toMatchObject({ status: 'fresh', ownerKeys: 0, knowsRoot: false });
    const thief = privateKey();
    await trust.receive(message({ introducedBy: thief, timestamp: { number: 2 } }));
    expect(trust.report).toMatchObject({ knowsRoot: false, error: { code: 'TRUST_FOREIGN' } });
    await trust.receive(message({ introducedBy: keys.owner, timestamp: { number: 3 } }));
    expect(trust.report).toMatchObject({ knowsRoot: true, ownerKeys: 1 });
    // A thief of the owner key comes too late with a root of his own.
    const his = { ...keys, root: privateKey() };
    const { trust: again, events } = await open({ rootKey: null });
    await again.receive(makeTrust(his, clock.now(), { introducedBy: keys.owner, timestamp: { number: 9 } }));
    expect(events).toEqual(['TRUST_FOREIGN']);
    const second = privateKey();
    await again.receive(message({ owners: [second], list: { version: 2 }, timestamp: { number: 4 } }));
    expect(ids(again)).toEqual([idOf(second)]);
  });

  it('without a root key goes by the owner key of its enrolment alone, whatever lists come', async () => {
    const { trust } = await open({ rootKey: null });
    await trust.receive(message({ owners: [privateKey()], signer: keys.owner }));
    expect(ids(trust)).toEqual([idOf(keys.owner)]);
    expect(trust.report.status).toBe('fresh');
  });

  it('survives one damaged copy; where all are lost it accepts nothing new until it is told again, and nothing older', async () => {
    const { trust } = await open();
    const old = numbered(4, { release: 3 });
    await trust.receive(old);
    const second = privateKey();
    await copyFile(join(data, 'trust', 'newest'), join(data, 'of-before'));
    await trust.receive(
      message({ owners: [second], list: { version: 2 }, timestamp: { number: 5, release: 4 } }),
    );
    await writeFile(join(data, 'trust', 'newest'), 'x');
    const { trust: spared } = await open();
    expect(ids(spared)).toEqual([idOf(second)]);

    // Somebody puts files of before in their place: the numbers apart from them tell.
    for (const copy of ['newest', 'spare'])
      await copyFile(join(data, 'of-before'), join(data, 'trust', copy));
    const { trust: set, events } = await open();
    expect(ids(set)).toEqual([]);
    expect(() => set.admit(release(9))).toThrow(expect.objectContaining({ code: 'TRUST_STALE' }));
    await set.receive(old);
    expect(events).toEqual(['TRUST_OLD']);

    await rm(join(data, 'trust'), { recursive: true });
    const { trust: lost } = await open();
    expect(lost.report).toMatchObject({ status: 'stale', number: 0 });
    expect(ids(lost)).toEqual([]);
    // The newest itself is still retained on the broker.
    await lost.receive(
      message({ owners: [second], list: { version: 2 }, timestamp: { number: 5, release: 4 } }),
    );
    expect(ids(lost)).toEqual([idOf(second)]);
    lost.admit(release(4));
    expect(() => lost.admit(release(3))).toThrow(expect.objectContaining({ code: 'TRUST_OLD' }));
  });

  it('with a clock that was never set works by the time of the newest timestamp, and refuses what is older all the same', async () => {
    const siteMs = clock.now();
    clock = new SimulatedClock(0);
    const { trust } = await open();
    await trust.receive(makeTrust(keys, siteMs, { timestamp: { number: 5, release: 5 } }));
    trust.admit(release(5));
    expect(() => trust.admit(release(4))).toThrow(expect.objectContaining({ code: 'TRUST_OLD' }));
    expect(() => trust.admit(release(6, siteMs - 1))).toThrow(
      expect.objectContaining({ code: 'TRUST_EXPIRED' }),
    );
    trust.admit(release(6, siteMs + 1));
    // Older by number, and of an earlier time: the system clock would not have told.
    await trust.receive(makeTrust(keys, siteMs - DAY_MS, { timestamp: { number: 4 } }));
    expect(trust.report).toMatchObject({ number: 5, error: { code: 'TRUST_OLD' } });
  });

  it('recovers from a site whose clock was years ahead for a while', async () => {
    const { trust } = await open();
    await trust.receive(makeTrust(keys, clock.now() + 1000 * DAY_MS, { timestamp: { number: 5 } }));
    await trust.receive(numbered(6));
    trust.admit(release(1));
    await clock.advance(3 * DAY_MS);
    expect(trust.report.status).toBe('stale');
  });

  it('says once that it accepts nothing new any more', async () => {
    const { trust, events } = await open();
    await trust.receive(numbered(1));
    const stop = new AbortController();
    const running = trust.run(stop.signal);
    await clock.advance(3 * DAY_MS);
    await clock.advance(DAY_MS);
    expect(events).toEqual(['TRUST_STALE']);
    stop.abort();
    await running;
  });
});
