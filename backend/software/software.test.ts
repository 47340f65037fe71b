import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Chunk, decodeChunk } from '#protocol/chunk.ts';
import type { Reported } from '#protocol/messages.ts';
import { decodeSoftware, SOFTWARE_PART, verifySoftware } from '#protocol/software.ts';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { ChunkServer } from '../deployment/chunk-server.ts';
import { packTestSoftware } from '../testing/pack-test-software.ts';
import { enrolTestGateway, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { addSoftware, removeSoftware } from './add-software.ts';
import { prepareSoftwareRelease, repeatSoftware } from './release-software.ts';
import { SoftwareService } from './software-service.ts';
import { gatewaySoftware, listSoftware } from './software-views.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

let site: TestSite;
let clock: SimulatedClock;
let scratch: string;
beforeEach(async () => {
  site = await makeTestSite();
  clock = new SimulatedClock();
  scratch = join(site.dataDirectory, 'scratch');
  mkdirSync(scratch);
  await enrolTestGateway(site, 'gate');
});
afterEach(() => site.close());

const add = (file: string) => addSoftware({ site, file, clock });
const blobs = () => readdirSync(join(site.dataDirectory, 'bundles'));
const release = async (version: string, gateway = 'gate') =>
  site.store.transaction(await prepareSoftwareRelease({ site, gateway, version, clock }));

describe('archives of software', () => {
  it('are checked, kept once, listed and removed', async () => {
    const file = await packTestSoftware(scratch, '1.2.3');
    const steps = new Set<string>();
    const { record, isNew } = await addSoftware({ site, file, clock, onProgress: (step) => steps.add(step) });
    expect(isNew).toBe(true);
    expect([...steps]).toEqual(['copying', 'checking']);
    expect(record).toMatchObject({ version: '1.2.3', platform: 'linux-x64', addedMs: clock.now() });
    expect(Buffer.from(await site.blobs.get(record.sha256))).toEqual(readFileSync(file));
    expect((await add(file)).isNew).toBe(false);
    await add(await packTestSoftware(scratch, '1.2.3', 'linux-arm64'));
    expect((await listSoftware(site.store)).map(({ platform }) => platform)).toEqual([
      'linux-arm64',
      'linux-x64',
    ]);
    expect(await removeSoftware(site, '1.2.3')).toHaveLength(2);
    expect(blobs()).toEqual([]);
    await expect(removeSoftware(site, '1.2.3')).rejects.toMatchObject({ code: 'SOFTWARE_NOT_FOUND' });
  });

  it('leave nothing behind where it is stopped, and clear what a power failure left', async () => {
    const file = await packTestSoftware(scratch, '1.2.3');
    const stop = new AbortController();
    const stopped = addSoftware({
      ...{ site, file, clock, signal: stop.signal },
      onProgress: (step) => step === 'checking' && stop.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(blobs()).toEqual([]);
    const [old, young] = ['.0123456789ab.tmp', '.ba9876543210.tmp'];
    for (const name of [old, young]) writeFileSync(join(site.dataDirectory, 'bundles', name), 'half');
    utimesSync(join(site.dataDirectory, 'bundles', old), 1, 1);
    const { record } = await add(file);
    expect(blobs().sort()).toEqual([young, record.sha256].sort());
  });

  it('of the same version that differ are refused, and the one that was kept stays', async () => {
    const { record } = await add(await packTestSoftware(scratch, '1.2.3'));
    const other = await packTestSoftware(scratch, '1.2.3', 'linux-x64', 'export const evil = 1;\n');
    await expect(add(other)).rejects.toMatchObject({ code: 'SOFTWARE_EXISTS' });
    expect(blobs()).toEqual([record.sha256]);
  });

  it('that are damaged or something else are refused and leave nothing behind', async () => {
    const good = readFileSync(await packTestSoftware(scratch, '1.2.3'));
    const file = join(scratch, 'bad.tar.gz');
    const bad: Record<string, Uint8Array | string> = {
      'cut short': good.subarray(0, good.length - 40),
      noise: randomBytes(5000),
      'noise, compressed': gzipSync(randomBytes(5000)),
      text: 'hello',
      nothing: '',
    };
    for (const [what, bytes] of Object.entries(bad)) {
      writeFileSync(file, bytes);
      await expect(add(file), what).rejects.toMatchObject({
        code: expect.stringMatching(/^SOFTWARE_(INVALID|DIGEST)$/),
      });
    }
    // One byte each, somewhere: a few leave the unpacked files as they are (a header of gzip), and then they may pass.
    let refused = 0;
    for (let i = 0; i < 40; i++) {
      const flipped = Uint8Array.from(good);
      flipped[Math.floor((i * flipped.length) / 40)]! ^= 1 << (i % 8);
      writeFileSync(file, flipped);
      const outcome = await add(file).catch((error: unknown) => error);
      if (outcome instanceof Error) refused += 1;
      else await removeSoftware(site, '1.2.3');
    }
    expect(refused).toBeGreaterThan(35);
    await expect(add(join(scratch, 'nowhere'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    const odd = await packTestSoftware(scratch, 'latest');
    await expect(add(odd)).rejects.toMatchObject({ code: 'SOFTWARE_INVALID' });
    expect(blobs()).toEqual([]);
    expect(await listSoftware(site.store)).toEqual([]);
  });
});

describe('releases of software', () => {
  beforeEach(async () => {
    await add(await packTestSoftware(scratch, '1.2.3'));
    await add(await packTestSoftware(scratch, '1.3.0', 'linux-arm64'));
    await site.store.software.setRunning('gate', '1.0.0', 'linux-x64');
  });

  it('are signed for one gateway, with the archive for its machine and a counter that only grows', async () => {
    const first = await release('1.2.3');
    const { manifest, ...decoded } = decodeSoftware(first.manifest);
    expect(verifySoftware({ manifest, ...decoded }, site.ownerPublicKey)).toBe(true);
    const archive = (await site.store.software.get('1.2.3', 'linux-x64'))!;
    expect(manifest).toMatchObject({
      ...{ site: 'yard', gateway: 'gate', version: '1.2.3', counter: 1, platform: 'linux-x64' },
      archive: { sha256: archive.sha256, bytes: archive.bytes },
      contents: archive.contents,
    });
    const second = await release('1.2.3');
    expect(second.counter).toBe(2);
    expect((await site.store.software.getRelease(first.digest))?.status).toBe('superseded');
    await expect(removeSoftware(site, '1.2.3')).rejects.toMatchObject({ code: 'SOFTWARE_IN_USE' });
  });

  it('are refused where there is no archive for the gateway, or it has not said what it is', async () => {
    await expect(release('9.9.9')).rejects.toMatchObject({ code: 'SOFTWARE_NOT_FOUND' });
    await expect(release('1.3.0')).rejects.toMatchObject({
      code: 'SOFTWARE_NOT_FOUND',
      message: expect.stringContaining('linux-arm64'),
    });
    await expect(release('1.2.3', 'nobody')).rejects.toMatchObject({ code: 'GATEWAY_NOT_FOUND' });
    await enrolTestGateway(site, 'old');
    await expect(release('1.2.3', 'old')).rejects.toMatchObject({ code: 'GATEWAY_MACHINE' });
    expect(await site.store.software.current()).toEqual([]);
  });

  it('are signed anew for a restored site, above what gateways can have seen', async () => {
    await release('1.2.3');
    await site.store.gateways.raiseCounters(1000);
    expect(await repeatSoftware(site, clock)).toEqual([]);
    expect((await site.store.software.current())[0]).toMatchObject({ counter: 1001, version: '1.2.3' });
    await site.store.software.remove('1.2.3', 'linux-x64');
    expect(await repeatSoftware(site, clock)).toEqual([expect.stringContaining('1.2.3 to gate')]);
  });

  it('are published, retained, and what gateways report about them is kept and told', async () => {
    const sent: { topic: string; payload: Uint8Array }[] = [];
    const link = {
      connected: true,
      publish: async (topic: string, payload: Uint8Array | string) => {
        sent.push({ topic, payload: payload as Uint8Array });
      },
    };
    const service = new SoftwareService({
      store: site.store,
      site: 'yard',
      link,
      clock,
      log,
      onChange: () => {},
    });
    await service.linkUp();
    expect(sent).toEqual([]);
    const { digest, manifest } = await release('1.2.3');
    await service.linkUp();
    expect(sent).toHaveLength(1);
    expect(sent[0]!.topic).toBe('blindsight/v1/yard/gate/software/manifest');
    expect(Buffer.from(sent[0]!.payload)).toEqual(Buffer.from(manifest));
    const report = (software: Partial<NonNullable<Reported['software']>>): Reported =>
      ({
        software: {
          ...{ status: 'fetching', version: '1.0.0', platform: 'linux-x64', counter: 1, progress: 0.5 },
          ...{ subject: digest, error: null, ...software },
        },
      }) as Reported;
    const state = async () => (await site.store.software.getRelease(digest))!.status;
    await service.reported('gate', report({}));
    expect(await state()).toBe('fetching');
    await service.reported('nobody', report({ status: 'active' }));
    expect(await state()).toBe('fetching');
    const error = { code: 'SOFTWARE_UNHEALTHY', message: 'no answers' };
    await service.reported('gate', report({ status: 'rolled-back', error }));
    expect((await gatewaySoftware(site.store)).get('gate')).toMatchObject({
      ...{ version: '1.0.0', platform: 'linux-x64', wanted: '1.2.3', status: 'rolled-back' },
      detail: 'SOFTWARE_UNHEALTHY: no answers',
    });
    await service.reported('gate', report({ status: 'active', version: '1.2.3' }));
    await service.reported('gate', { bundle: {} } as Reported);
    expect((await gatewaySoftware(site.store)).get('gate')).toMatchObject({
      version: '1.2.3',
      status: 'active',
    });
    expect((await site.store.journal.latest(10)).map(({ code }) => code)).toEqual([
      'SOFTWARE_RUNS',
      'SOFTWARE_ROLLED_BACK',
      'SOFTWARE_RELEASED',
    ]);
  });

  it('are fetched piece by piece by their gateway, and by no other', async () => {
    await enrolTestGateway(site, 'other');
    const { digest } = await release('1.2.3');
    const sent: Chunk[] = [];
    const publish = async (_topic: string, payload: Uint8Array | string) => {
      sent.push(decodeChunk(payload as Uint8Array));
    };
    const server = new ChunkServer({ ...site, site: 'yard', clock, log, link: { publish } });
    const ask = async (gateway: string, part: string) => {
      const request = JSON.stringify({ bundle: digest, part, from: 0, count: 64 });
      const packet = { retain: false, dup: false, qos: 1 } as const;
      server.receive(`blindsight/v1/yard/${gateway}/bundle/request`, Buffer.from(request), packet);
      await server.idle();
    };
    await ask('other', SOFTWARE_PART);
    await ask('gate', 'program');
    expect(sent).toEqual([]);
    await ask('gate', SOFTWARE_PART);
    const { sha256 } = (await site.store.software.get('1.2.3', 'linux-x64'))!;
    expect(Buffer.concat(sent.map(({ data }) => data))).toEqual(Buffer.from(await site.blobs.get(sha256)));
    await server.close();
  });
});
