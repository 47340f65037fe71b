import { createPublicKey } from 'node:crypto';
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { makeBundle, makeNetwork, type TestNetwork } from '../testing/make-bundle.ts';
import { makeKeys, makeTrust, privateKey, type TestKeys, type TrustChanges } from '../testing/make-trust.ts';
import { openRolloutBench, type RolloutBenchOptions } from '../testing/rollout-bench.ts';
import { until } from '../testing/until.ts';
import { Trust } from '../trust/trust.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

let network: TestNetwork;
beforeAll(async () => {
  network = await makeNetwork();
});

let keys: TestKeys;
let clock: SimulatedClock;
beforeEach(() => {
  keys = makeKeys();
  clock = new SimulatedClock(Date.UTC(2027, 0, 1));
});

const bench = (options: RolloutBenchOptions = {}) =>
  openRolloutBench(
    {
      trust: (data) =>
        Trust.open({
          ...{ site: 'town', gateway: 'gate-1', data, clock, log },
          rootKey: createPublicKey(keys.root),
          ownerKey: createPublicKey(keys.owner),
        }),
      ...options,
    },
    [],
  );
const release = (counter: number, key = keys.owner, change = {}) =>
  makeBundle(network, key, { counter, ...change });
const trusting = (number: number, newest: number, more: TrustChanges = {}) =>
  makeTrust(keys, clock.now(), { ...more, timestamp: { number, release: newest, ...more.timestamp } });
type Bench = Awaited<ReturnType<typeof bench>>;

/** A gateway that runs release 1, then 2. */
async function runsTwo(site: Bench) {
  const [one, two] = [release(1), release(2)];
  site.release(one);
  await site.reaches('active', one.digest);
  await site.trust!.receive(trusting(5, 2));
  site.release(two);
  await site.reaches('active', two.digest);
  return { one, two };
}

describe('a rollout under trust', () => {
  it('refuses what is replayed, and accepts nothing new when it is told nothing any more; what runs goes on', async () => {
    const site = await bench();
    const { two } = await runsTwo(site);
    await site.trust!.receive(trusting(6, 9));
    const replayed = release(8);
    site.release(replayed);
    expect((await site.reaches('refused', replayed.digest)).error).toMatchObject({ code: 'TRUST_OLD' });
    await clock.advance(3 * 86_400_000);
    const fresh = release(9);
    site.release(fresh);
    expect((await site.reaches('refused', fresh.digest)).error).toMatchObject({ code: 'TRUST_STALE' });
    expect(await site.answers()).toBe(two.digest);
    // The one that runs comes again on each connection, and is no news.
    site.release(two);
    await site.reaches('active', two.digest);
    // What was refused for want of freshness has its turn as soon as the site is heard again.
    site.release(fresh);
    await site.reaches('refused', fresh.digest);
    await site.trust!.receive(trusting(7, 9));
    await site.reaches('active', fresh.digest);
  });

  it('takes a manifest that came before the key that signed it', async () => {
    const site = await bench();
    await runsTwo(site);
    const second = privateKey();
    const anew = release(3, second);
    const asked = site.requests.length;
    site.release(anew);
    expect((await site.reaches('refused', anew.digest)).error).toMatchObject({ code: 'BUNDLE_SIGNATURE' });
    await site.trust!.receive(trusting(6, 3, { owners: [second, keys.owner], list: { version: 2 } }));
    await site.reaches('active', anew.digest);
    // The parts are those of the release before: signing anew costs no transfer.
    expect(site.requests).toHaveLength(asked);
  });

  it('ends at once what only a stolen key has signed, also while it is fetched, and takes up what is signed anew', async () => {
    let isSlow = true;
    const site = await bench({
      tamper: (request) => {
        if (isSlow && request.part === 'evaluation-keys') site.mute(true);
      },
    });
    const second = privateKey();
    const own = release(1);
    site.release(own);
    await until('the middle', () => site.requests.some(({ part }) => part === 'evaluation-keys'));
    await site.trust!.receive(trusting(1, 2, { owners: [second], list: { version: 2 } }));
    expect((await site.reaches('refused', own.digest)).error).toMatchObject({ code: 'BUNDLE_SIGNATURE' });
    expect(site.rollout.report.active).toBeNull();
    isSlow = false;
    site.mute(false);
    const good = release(2, second);
    site.release(good);
    await site.reaches('active', good.digest);
    // And one that runs already.
    const third = privateKey();
    await site.trust!.receive(trusting(2, 3, { owners: [third], list: { version: 3 } }));
    expect((await site.reaches('refused', good.digest)).error).toMatchObject({ code: 'BUNDLE_SIGNATURE' });
    expect(site.runner.host).toBeNull();
    const last = release(3, third);
    site.release(last);
    await site.reaches('active', last.digest);
    expect(await site.answers()).toBe(last.digest);
  });

  it.each<[string, string[]]>([
    ['rollout.json', ['rollout.json']],
    ['the copy of the counter', ['counters/release']],
    ['both', ['rollout.json', 'counters/release']],
    ['all, and the bundles', ['rollout.json', 'counters', 'bundles']],
    ['all, the bundles, and what was told', ['rollout.json', 'counters', 'bundles', 'trust']],
  ])('lets no older release in where %s was lost', async (_, lost) => {
    const first = await bench();
    const { one, two } = await runsTwo(first);
    await first.close();
    for (const name of lost) await rm(join(first.directory, name), { recursive: true });
    const again = await bench({ directory: first.directory });
    // Everything that the broker still has: a release of before is put in the place of the newest.
    await again.trust!.receive(trusting(5, 2));
    if (lost.includes('bundles')) {
      again.release(one);
      const { error } = await again.reaches('refused', one.digest);
      expect(['BUNDLE_COUNTER', 'TRUST_OLD']).toContain(error!.code);
      again.release(two);
      await again.reaches('active', two.digest);
    } else {
      expect(again.rollout.report).toMatchObject({ status: 'active', active: two.digest, counter: 2 });
      const old = release(1, keys.owner, { modelVersion: 7 });
      again.release(old);
      expect((await again.reaches('refused', old.digest)).error).toMatchObject({ code: 'BUNDLE_COUNTER' });
    }
    expect(await again.answers()).toBe(two.digest);
  });

  it('remembers the counter apart from rollout.json, where somebody puts one of before there', async () => {
    const first = await bench();
    const one = release(1);
    first.release(one);
    await first.reaches('active', one.digest);
    const file = join(first.directory, 'rollout.json');
    const before = await readFile(file);
    const three = release(3);
    first.release(three);
    await first.reaches('active', three.digest);
    await first.close();
    await writeFile(file, before);
    const again = await bench({ directory: first.directory });
    const two = release(2);
    again.release(two);
    expect((await again.reaches('refused', two.digest)).error).toMatchObject({ code: 'BUNDLE_COUNTER' });
    again.release(three);
    await again.reaches('active', three.digest);
  });
});

describe('a bundle on the disk', () => {
  const damage: [string, string, (folder: string, digest: string) => Promise<void>][] = [
    [
      'one flipped byte in the manifest',
      'BUNDLE_DIGEST',
      async (folder) => {
        const wire = await readFile(join(folder, 'manifest'));
        wire[wire.length >> 1]! ^= 1;
        await writeFile(join(folder, 'manifest'), wire);
      },
    ],
    [
      'one flipped byte in a part',
      'BUNDLE_DIGEST',
      async (folder) => {
        const bytes = await readFile(join(folder, 'program'));
        bytes[20]! ^= 1;
        await writeFile(join(folder, 'program'), bytes);
      },
    ],
  ];
  it.each(damage)('with %s does not run: the one before does', async (_, code, act) => {
    const first = await bench();
    const { one, two } = await runsTwo(first);
    await first.close();
    await act(join(first.directory, 'bundles', two.digest), two.digest);
    const again = await bench({ directory: first.directory });
    expect(again.rollout.report).toMatchObject({
      status: 'rolled-back',
      active: one.digest,
      error: { code },
    });
    again.release(two);
    await again.reaches('active', two.digest);
  });

  it.each([
    ['another gateway', 'BUNDLE_TARGET', () => release(2, keys.owner, { gateway: 'gate-2' })],
    ['another site', 'BUNDLE_TARGET', () => release(2, keys.owner, { site: 'village' })],
    ['a stranger', 'BUNDLE_SIGNATURE', () => release(2, privateKey())],
  ] as const)('of %s does not run, wherever files say so', async (_, code, make) => {
    const first = await bench();
    const { two } = await runsTwo(first);
    await first.close();
    const foreign = make();
    const bundles = join(first.directory, 'bundles');
    await rename(join(bundles, two.digest), join(bundles, foreign.digest));
    await writeFile(join(bundles, foreign.digest, 'manifest'), foreign.wire);
    const file = join(first.directory, 'rollout.json');
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(two.digest, foreign.digest));
    const again = await bench({ directory: first.directory });
    expect(again.rollout.report).toMatchObject({ status: 'rolled-back', error: { code } });
    expect(again.runner.host?.bundle.manifest.counter).toBe(1);
  });

  it('is not believed under the name of another', async () => {
    const first = await bench();
    const { one, two } = await runsTwo(first);
    await first.close();
    const bundles = join(first.directory, 'bundles');
    await rm(join(bundles, two.digest), { recursive: true });
    await cp(join(bundles, one.digest), join(bundles, two.digest), { recursive: true });
    const again = await bench({ directory: first.directory });
    expect(again.rollout.report).toMatchObject({ active: one.digest, error: { code: 'BUNDLE_DIGEST' } });
    expect(await readdir(bundles)).toContain(one.digest);
  });
});
