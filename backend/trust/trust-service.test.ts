import { createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { believe } from '#agent/trust/believe.ts';
import { decodeConfiguration, verifyConfiguration } from '#protocol/configuration.ts';
import { decodeManifest, verifyManifest } from '#protocol/manifest.ts';
import { publicKeyBytes, publicKeyId } from '#protocol/public-key.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { pushConfiguration } from '../configuration/push-configuration.ts';
import { deployModel } from '../operations/deploy-model.ts';
import { openOwnerKey } from '../owner-keys/owner-key.ts';
import { ownerKeyList } from '../owner-keys/owner-key-list.ts';
import { rootPublicKey } from '../owner-keys/root-key.ts';
import {
  enrolTestGateway,
  keepTestModel,
  makeTestSite,
  releaseTo,
  type TestSite,
} from '../testing/test-site.ts';
import { describeOwnerKeys } from './describe-owner-keys.ts';
import { introduceRoot, replaceKey, retireKey } from './replace-owner-key.ts';
import { TrustService } from './trust-service.ts';

const HOUR_MS = 3_600_000;
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

let site: TestSite;
let folder: string;
let clock: SimulatedClock;
let rootKeyFile: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'blindsight-trust-'));
  rootKeyFile = join(folder, 'root.key');
  clock = new SimulatedClock(Date.UTC(2027, 0, 1));
  site = await makeTestSite();
  for (const name of ['gate', 'second']) await enrolTestGateway(site, name);
  await keepTestModel(site, 'tiny');
});
afterEach(async () => {
  await site.close();
  rmSync(folder, { recursive: true });
});

function service() {
  const published: { topic: string; wire: Uint8Array }[] = [];
  const link = {
    connected: true,
    publish: async (topic: string, payload: Uint8Array | string) => {
      published.push({ topic, wire: Buffer.from(payload) });
    },
  };
  const made = new TrustService({ site, link, clock, log, signMs: HOUR_MS, validMs: 72 * HOUR_MS });
  return { service: made, published, link };
}

/** By a gateway's own eyes. */
function seen(wire: Uint8Array, gateway: string, keys: { root: KeyObject | null; owner?: KeyObject }) {
  return believe(Uint8Array.from(wire), {
    site: site.name,
    gateway,
    rootKey: keys.root,
    ownerKey: keys.owner ?? site.ownerPublicKey,
  });
}

const counter = async (gateway: string) =>
  (await site.store.deployments.current()).find((one) => one.gateway === gateway)!.counter;
const idOf = (key: KeyObject) => publicKeyId(publicKeyBytes(key));

describe('the trust of a site', () => {
  it('tells each gateway what is newest, anew when that changes and else in an interval', async () => {
    await releaseTo(site, 'gate', 'tiny');
    const { service: trust, published } = service();
    await trust.linkUp();
    expect(published.map(({ topic }) => topic)).toEqual([
      'blindsight/v1/yard/gate/trust',
      'blindsight/v1/yard/second/trust',
    ]);
    const first = seen(published[0]!.wire, 'gate', { root: null }).timestamp;
    expect(first).toMatchObject({ release: 1, configuration: 0, ownerKeys: 0, timeMs: clock.now() });
    expect(first.expiresMs).toBe(clock.now() + 72 * HOUR_MS);
    expect(() => seen(published[0]!.wire, 'second', { root: null })).toThrow(
      expect.objectContaining({ code: 'TRUST_FOREIGN' }),
    );
    await clock.advance(HOUR_MS / 2);
    await trust.publishTrust();
    expect(published).toHaveLength(2);

    await releaseTo(site, 'gate', 'tiny');
    await pushConfiguration({
      site,
      gateway: 'gate',
      settings: 'healthSeconds: 8',
      origin: 'x',
      author: 'ann',
    });
    await trust.publishTrust();
    expect(published).toHaveLength(3);
    const second = seen(published[2]!.wire, 'gate', { root: null }).timestamp;
    expect(second).toMatchObject({ release: 2, configuration: 1 });
    expect(second.number).toBeGreaterThan(first.number);

    await clock.advance(HOUR_MS);
    await trust.publishTrust();
    expect(published).toHaveLength(5);
    // A backend that starts anew, on a clock that was set back: the number grows all the same.
    clock.jump(Date.UTC(2026, 0, 1));
    const again = service();
    await again.service.linkUp();
    const last = seen(published[4]!.wire, 'second', { root: null }).timestamp;
    const restarted = seen(again.published[1]!.wire, 'second', { root: null }).timestamp;
    expect(restarted.number).toBeGreaterThan(last.number);
    expect(restarted.timeMs).toBeLessThan(last.timeMs);
  });

  it('signs releases that expire only for gateways that know them', async () => {
    const deploy = () => deployModel({ site, model: 'tiny', gateway: 'gate', validDays: 2, clock });
    await expect(deploy()).rejects.toMatchObject({ code: 'GATEWAY_TOO_OLD' });
    const error = null;
    const trust = {
      status: 'fresh',
      number: 1,
      expires: null,
      ownerKeys: 0,
      knowsRoot: false,
      error,
    } as const;
    await site.store.gateways.setTrust('gate', trust);
    const { manifest } = decodeManifest((await deploy()).manifest);
    expect(manifest.expiresMs).toBe(clock.now() + 48 * HOUR_MS);
  });

  it('gets a root key later, by which the gateways of before know the keys that come', async () => {
    const owner = site.ownerPublicKey;
    await expect(replaceKey({ site, rootKeyFile, clock })).rejects.toMatchObject({
      code: 'ROOT_KEY_MISSING',
    });
    await introduceRoot(site, rootKeyFile, clock);
    expect(statSync(rootKeyFile).mode & 0o777).toBe(0o600);
    const other = join(folder, 'other.key');
    await expect(introduceRoot(site, other, clock)).rejects.toMatchObject({ code: 'ROOT_KEY_EXISTS' });
    expect(existsSync(other)).toBe(false);
    const { service: trust, published } = service();
    await trust.linkUp();
    const belief = seen(published[0]!.wire, 'gate', { root: null, owner });
    expect(belief.rootKey!.equals((await rootPublicKey(site.store))!)).toBe(true);
    expect(belief.ownerKeys!.keys.map(idOf)).toEqual([idOf(owner)]);
  });

  it('replaces a key: the root says so, what gateways run is signed anew, and the one before counts until it is retired', async () => {
    await introduceRoot(site, rootKeyFile, clock);
    const root = await rootPublicKey(site.store);
    await releaseTo(site, 'gate', 'tiny');
    await pushConfiguration({
      site,
      gateway: 'gate',
      settings: 'healthSeconds: 9',
      origin: 'x',
      author: 'ann',
    });
    const before = await counter('gate');
    const made = await replaceKey({ site, rootKeyFile, clock });
    const own = createPublicKey(await openOwnerKey(site.store, site.vault));
    expect(made).toMatchObject({ id: idOf(own), notReleased: [] });
    const [release] = await site.store.deployments.current();
    expect(release!.counter).toBe(before + 1);
    expect(verifyManifest(decodeManifest(release!.manifest), own)).toBe(true);
    const [configuration] = await site.store.configurations.current();
    expect(configuration).toMatchObject({ version: 2, author: 'ann' });
    expect(verifyConfiguration(decodeConfiguration(configuration!.wire), own)).toBe(true);
    const { service: trust, published } = service();
    await trust.linkUp();
    expect(seen(published[0]!.wire, 'gate', { root }).ownerKeys!.keys.map(idOf)).toEqual([
      idOf(own),
      idOf(site.ownerPublicKey),
    ]);

    const retire = (id: string, now = false) => retireKey({ site, rootKeyFile, id, now, clock });
    await expect(retire('00')).rejects.toMatchObject({ code: 'OWNER_KEY_NOT_FOUND' });
    await expect(retire(idOf(own))).rejects.toMatchObject({ code: 'OWNER_KEY_NOT_FOUND' });
    const old = idOf(site.ownerPublicKey);
    await expect(retire(old)).rejects.toMatchObject({
      code: 'OWNER_KEY_IN_USE',
      message: expect.stringContaining('gate'),
    });
    await site.store.deployments.setStatus(release!.digest, 'active', null, 0);
    await site.store.configurations.setStatus('gate', 2, 'applied', null, 0);
    await retire(old);
    await trust.publishTrust();
    expect(seen(published.at(-2)!.wire, 'gate', { root }).ownerKeys!.keys.map(idOf)).toEqual([idOf(own)]);
    expect((await describeOwnerKeys(site)).keys).toEqual([{ id: idOf(own), signs: true }]);
    expect((await site.store.journal.latest(9)).map(({ code }) => code)).toContain('OWNER_KEYS_CHANGED');
  });

  it('voids a stolen key at once', async () => {
    await introduceRoot(site, rootKeyFile, clock);
    await releaseTo(site, 'gate', 'tiny');
    await replaceKey({ site, rootKeyFile, stolen: true, clock });
    const { service: trust, published } = service();
    await trust.linkUp();
    const keys = seen(published[0]!.wire, 'gate', { root: await rootPublicKey(site.store) }).ownerKeys!.keys;
    expect(keys.map(idOf)).toEqual([idOf(createPublicKey(await openOwnerKey(site.store, site.vault)))]);
  });

  it('changes nothing with a wrong root key', async () => {
    await introduceRoot(site, rootKeyFile, clock);
    const list = await ownerKeyList(site.store);
    const foreign = await makeTestSite('village');
    const other = join(folder, 'other.key');
    await introduceRoot(foreign, other, clock);
    await foreign.close();
    await expect(replaceKey({ site, rootKeyFile: other, clock })).rejects.toMatchObject({
      code: 'ROOT_KEY_INVALID',
    });
    await expect(replaceKey({ site, rootKeyFile: join(folder, 'none'), clock })).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
    expect(await ownerKeyList(site.store)).toEqual(list);
    const own = createPublicKey(await openOwnerKey(site.store, site.vault));
    expect(own.equals(site.ownerPublicKey)).toBe(true);
  });
});
