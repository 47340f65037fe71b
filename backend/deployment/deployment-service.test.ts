import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BlindsightError } from '#protocol/errors.ts';
import { decodeManifest, manifestDigest, verifyManifest } from '#protocol/manifest.ts';
import type { Reported } from '#protocol/messages.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { removeGateway } from '../operations/remove-gateway.ts';
import {
  enrolTestGateway,
  keepTestModel,
  makeTestSite,
  releaseTo,
  type TestSite,
} from '../testing/test-site.ts';
import { DeploymentService } from './deployment-service.ts';

const WAIT = { timeout: 60_000 };

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

describe('deployment', () => {
  let site: TestSite;
  let clock: SimulatedClock;
  let connected: boolean;
  let failing: boolean;
  let published: { topic: string; payload: Uint8Array; retain: boolean | undefined }[];
  let service: DeploymentService;
  let released: string[];

  beforeEach(async () => {
    site = await makeTestSite();
    await keepTestModel(site, 'counter');
    await enrolTestGateway(site, 'gate');
    clock = new SimulatedClock();
    connected = true;
    failing = false;
    published = [];
    released = [];
    service = makeService();
  });
  afterEach(() => site.close());

  function makeService(): DeploymentService {
    return new DeploymentService({
      store: site.store,
      site: 'yard',
      clock,
      log,
      onChange: () => {},
      onRelease: ({ digest }) => released.push(digest),
      link: {
        get connected() {
          return connected;
        },
        publish: async (topic, payload, options) => {
          if (failing) throw new BlindsightError('LINK_DOWN', 'down');
          published.push({ topic, payload: payload as Uint8Array, retain: options?.retain });
        },
      },
    });
  }

  function report(subject: string, changes: Partial<Reported['bundle']> = {}): Reported {
    return {
      time: '2026-01-01T00:00:00.000Z',
      session: 1,
      bundle: {
        status: 'active',
        active: subject,
        previous: null,
        counter: 1,
        progress: 1,
        subject,
        error: null,
        ...changes,
      },
    };
  }

  it('reads all releases when there is a new one, after a minute, and on a new connection, and not each second', async () => {
    const current = vi.spyOn(site.store.deployments, 'current');
    await releaseTo(site, 'gate', 'counter');
    await service.linkUp();
    expect(published).toHaveLength(1);
    for (let second = 0; second < 5; second++) await service.publishReleases();
    expect(current).toHaveBeenCalledTimes(1);
    // In the same millisecond as the one before, for all that is known.
    await releaseTo(site, 'gate', 'counter');
    await service.publishReleases();
    expect(published).toHaveLength(2);
    expect(current).toHaveBeenCalledTimes(2);
    failing = true;
    await releaseTo(site, 'gate', 'counter');
    await expect(service.publishReleases()).rejects.toThrow('down');
    failing = false;
    await service.publishReleases();
    expect(published).toHaveLength(3);
    await service.publishReleases();
    expect(current).toHaveBeenCalledTimes(4);
    await clock.advance(61_000);
    await service.publishReleases();
    await service.linkUp();
    expect(current).toHaveBeenCalledTimes(6);
    expect(published).toHaveLength(4);
  });

  it('clears the manifest of a gateway that was removed, once for each connection', async () => {
    await releaseTo(site, 'gate', 'counter');
    await service.publishReleases();
    await removeGateway(site, 'gate');
    failing = true;
    await expect(service.publishReleases()).rejects.toThrow();
    failing = false;
    await service.publishReleases();
    await service.publishReleases();
    const manifests = published.map(({ topic, payload, retain }) => [topic, payload.length > 0, retain]);
    const topic = 'blindsight/v1/yard/gate/bundle/manifest';
    expect(manifests).toEqual([
      [topic, true, true],
      [topic, false, true],
    ]);
    await service.linkUp();
    expect(published).toHaveLength(3);
  });

  it('says which release is about to be answered under, once for each connection', async () => {
    const digest = await releaseTo(site, 'gate', 'counter');
    await service.publishReleases();
    await service.publishReleases();
    expect(released).toEqual([digest]);
    await service.linkUp();
    expect(released).toEqual([digest, digest]);
  });

  it('publishes the newest release of a gateway, retained and signed, once for each connection', async () => {
    await releaseTo(site, 'gate', 'counter');
    const newest = await releaseTo(site, 'gate', 'counter');
    await service.publishReleases();
    await service.publishReleases();
    expect(published).toMatchObject([{ topic: 'blindsight/v1/yard/gate/bundle/manifest', retain: true }]);
    expect(manifestDigest(published[0]!.payload)).toBe(newest);
    const decoded = decodeManifest(published[0]!.payload);
    expect(decoded.manifest.counter).toBe(2);
    expect(verifyManifest(decoded, site.ownerPublicKey)).toBe(true);
    await service.linkUp();
    expect(published).toHaveLength(2);
  });

  it('waits for the link, and tries again what did not go through', async () => {
    await releaseTo(site, 'gate', 'counter');
    connected = false;
    await service.publishReleases();
    expect(published).toEqual([]);
    connected = true;
    failing = true;
    await expect(service.publishReleases()).rejects.toMatchObject({ code: 'LINK_DOWN' });
    failing = false;
    await service.publishReleases();
    expect(published).toHaveLength(1);
  });

  it('notices a release of the command line, also after a restart', async () => {
    const stop = new AbortController();
    const running = service.run(stop.signal);
    const digest = await releaseTo(site, 'gate', 'counter');
    await vi.waitFor(async () => {
      await clock.advance(1000);
      expect(published).not.toEqual([]);
    }, WAIT);
    expect(published.map(({ payload }) => manifestDigest(payload))).toContain(digest);
    stop.abort();
    await running;
    const restarted = makeService();
    await restarted.publishReleases();
    expect(manifestDigest(published.at(-1)!.payload)).toBe(digest);
  });

  it('follows what the gateway reports, and tells operators how it ended', async () => {
    const digest = await releaseTo(site, 'gate', 'counter');
    const status = async () => (await site.store.deployments.get(digest))?.status;
    await service.reported('gate', report(digest, { status: 'fetching', active: null, progress: 0.5 }));
    expect(await status()).toBe('fetching');
    await service.reported('gate', report(digest));
    await service.reported('gate', report(digest));
    expect(await status()).toBe('active');
    const error = { code: 'BUNDLE_SELF_TEST', message: 'another answer' };
    await service.reported('gate', report(digest, { status: 'rolled-back', error }));
    expect(await site.store.deployments.get(digest)).toMatchObject({
      status: 'rolled-back',
      detail: 'BUNDLE_SELF_TEST: another answer',
    });
    const codes = (await site.store.journal.latest(10)).map((entry) => entry.code);
    expect(codes.slice(0, 2)).toEqual(['RELEASE_ROLLED_BACK', 'RELEASE_ACTIVE']);
  });

  it('does not believe a gateway about the release of another', async () => {
    await enrolTestGateway(site, 'other');
    const digest = await releaseTo(site, 'gate', 'counter');
    await service.reported('other', report(digest));
    await service.reported('gate', report('ab'.repeat(32)));
    await service.reported('gate', report(digest, { subject: null }));
    expect((await site.store.deployments.get(digest))?.status).toBe('waiting');
  });
});
