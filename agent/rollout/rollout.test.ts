import { generateKeyPairSync } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeEvaluationKeys } from '#fhe/testing';
import { makeBundle, makeNetwork, type TestNetwork } from '../testing/make-bundle.ts';
import { openRolloutBench, type RolloutBenchOptions } from '../testing/rollout-bench.ts';
import { until } from '../testing/until.ts';
import { BundleStore } from './bundle-store.ts';

const owner = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');

let network: TestNetwork;
beforeAll(async () => {
  network = await makeNetwork();
});

const release = (counter: number, key = owner.privateKey, change = {}) =>
  makeBundle(network, key, { counter, ...change });

const bench = (options: RolloutBenchOptions = {}) => openRolloutBench(options, [owner.publicKey]);

describe('Rollout', () => {
  it('fetches, tests and activates a bundle, keeps the one before, and has both after a restart', async () => {
    const first = await bench();
    const [one, two, three] = [release(1), release(2), release(3)];
    first.release(one);
    await first.reaches('active', one.digest);
    expect(first.reports.map((r) => r.status)).toEqual(
      expect.arrayContaining(['fetching', 'testing', 'active']),
    );
    expect(await first.answers()).toBe(one.digest);
    first.release(two);
    await first.reaches('active', two.digest);
    first.release(three);
    expect(await first.reaches('active', three.digest)).toMatchObject({
      previous: two.digest,
      counter: 3,
      error: null,
    });
    await first.close();

    const again = await bench({ directory: first.directory });
    expect(again.rollout.report).toMatchObject({
      status: 'active',
      active: three.digest,
      previous: two.digest,
    });
    expect(await again.answers()).toBe(three.digest);
    again.release(three);
    await again.reaches('active', three.digest);
    expect(again.requests).toEqual([]);
    expect((await readdir(join(first.directory, 'bundles'))).sort()).toEqual(
      [two.digest, three.digest].sort(),
    );
  });

  it.each([
    ['BUNDLE_SIGNATURE', () => release(9, stranger.privateKey)],
    ['BUNDLE_TARGET', () => release(9, owner.privateKey, { gateway: 'gate-2' })],
    ['BUNDLE_COUNTER', () => release(4, owner.privateKey, { modelVersion: 7 })],
    [
      'BUNDLE_TOO_LARGE',
      () => {
        const { parts } = release(9).manifest;
        return release(9, owner.privateKey, {
          parts: parts.map((part) => ({ ...part, bytes: 2 ** 29 + 1 })),
        });
      },
    ],
    ['BUNDLE_SELF_TEST', () => release(9, owner.privateKey, { selfTest: { engine: 'ab'.repeat(32) } })],
    [
      'BUNDLE_KEY_MISSING',
      () => {
        const { parts, ...rest } = network;
        const none = { relinearization: null, rotations: new Map() };
        const keys = encodeEvaluationKeys(network.program.parameters, none);
        const bare = { ...rest, parts: { ...parts, 'evaluation-keys': keys } };
        return makeBundle(bare, owner.privateKey, { counter: 9 });
      },
    ],
    [
      'BUNDLE_PROGRAM',
      () => {
        const { parts, ...rest } = network;
        const broken = { ...rest, parts: { ...parts, program: parts.program.slice(0, -1) } };
        return makeBundle(broken, owner.privateKey, { counter: 9 });
      },
    ],
  ] as const)('refuses with %s, and the bundle before it works on', async (code, make) => {
    const { release: announce, reaches, answers, directory } = await bench();
    const good = release(4);
    announce(good);
    await reaches('active', good.digest);
    const bad = make();
    announce(bad);
    const report = await reaches('refused', bad.digest);
    expect(report).toMatchObject({ active: good.digest, counter: 4, error: { code } });
    expect(await answers()).toBe(good.digest);
    expect(await readdir(join(directory, 'bundles'))).toEqual([good.digest]);
  });

  it('refuses a manifest with one flipped byte, and a bundle with one', async () => {
    const flip = (data: Uint8Array) => {
      data[data.length >> 1]! ^= 1;
    };
    let tampering = true;
    const {
      rollout,
      release: announce,
      reaches,
    } = await bench({
      tamper: (request, data) => {
        if (tampering && request.part === 'constants' && request.from === 0) flip(data);
      },
    });
    const good = release(1);
    const wire = good.wire.slice();
    flip(wire);
    rollout.receiveManifest(wire);
    const refused = await until('a refusal', () => rollout.report.error);
    expect(['BUNDLE_SIGNATURE', 'MANIFEST_INVALID']).toContain(refused.code);
    announce(good);
    expect(await reaches('refused', good.digest)).toMatchObject({
      error: { code: 'BUNDLE_DIGEST' },
      active: null,
    });
    tampering = false;
    rollout.receiveManifest(release(1, owner.privateKey, { modelVersion: 2 }).wire); // Ends the wait for a retry.
    announce(good);
    await reaches('active', good.digest);
  });

  it('goes on where it was after a restart in the middle', async () => {
    const first = await bench({
      tamper: (request) => {
        if (request.part === 'evaluation-keys') first.mute(true);
      },
    });
    const one = release(1);
    first.release(one);
    await until('more than the start', () => first.rollout.report.progress > 0);
    await until('silence', () => first.requests.some((request) => request.part === 'evaluation-keys'));
    await first.close();
    const [folder] = await readdir(join(first.directory, 'bundles'));
    expect(folder).toBe(`${one.digest}.partial`);
    const again = await bench({ directory: first.directory });
    again.release(one);
    await again.reaches('active', one.digest);
    expect(again.requests.map((request) => request.part)).not.toContain('constants');
  });

  it('fetches on while forged manifests come, and says each of them once', async () => {
    const held = Promise.withResolvers<void>();
    let isHeld = false;
    const site = await bench({
      tamper: (request) => {
        if (isHeld || request.part !== 'evaluation-keys') return;
        isHeld = true;
        site.mute(true);
        held.resolve();
      },
    });
    const { rollout, events, requests, mute } = site;
    const good = release(1);
    site.release(good);
    await held.promise;
    const forged = release(9, stranger.privateKey).wire;
    rollout.receiveManifest(forged);
    rollout.receiveManifest(forged);
    rollout.receiveManifest(good.wire.slice(0, -1));
    expect(events).toEqual(['BUNDLE_SIGNATURE', 'MANIFEST_INVALID']);
    expect(rollout.report).toMatchObject({ status: 'fetching', subject: good.digest });
    mute(false);
    rollout.backendUp();
    await until('the good one', () => rollout.report.active === good.digest);
    // Then the newest of the refused has its turn, as if it had come then.
    await until('the refusal', () => rollout.report.error?.code === 'MANIFEST_INVALID');
    expect(events.filter((code) => code !== 'BUNDLE_ACTIVE')).toHaveLength(2);
    expect(requests.filter((request) => request.part === 'program' && request.from === 0)).toHaveLength(1);
  });

  it('remembers the newest refusals only', async () => {
    const { rollout, reaches, events } = await bench();
    const forged = Array.from({ length: 17 }, (_, index) => release(index + 1, stranger.privateKey));
    for (const { wire, digest } of forged) {
      rollout.receiveManifest(wire);
      await reaches('refused', digest);
    }
    expect(events).toHaveLength(17);
    for (const [index, said] of [
      [16, 17],
      [1, 17],
      [0, 18],
    ] as const) {
      rollout.receiveManifest(forged[index]!.wire);
      await reaches('refused', forged[index]!.digest);
      expect(events).toHaveLength(said);
    }
  });

  it('refuses what the disk has no room for, before anything is fetched', async () => {
    const { release: announce, reaches, requests } = await bench({ reserveBytes: 2 ** 52 });
    const one = release(1);
    announce(one);
    const report = await reaches('refused', one.digest);
    expect(report.error).toMatchObject({
      code: 'BUNDLE_TOO_LARGE',
      message: expect.stringMatching(/MB free/),
    });
    expect(requests).toEqual([]);
  });

  it('finds its bundles and its counter again when the pointer file is damaged', async () => {
    const first = await bench();
    const [one, two] = [release(3), release(4)];
    first.release(one);
    await first.reaches('active', one.digest);
    first.release(two);
    await first.reaches('active', two.digest);
    await first.close();
    await writeFile(join(first.directory, 'rollout.json'), '');
    const again = await bench({ directory: first.directory });
    expect(again.rollout.report).toMatchObject({ active: two.digest, previous: one.digest, counter: 4 });
    const old = release(2);
    again.release(old);
    expect(await again.reaches('refused', old.digest)).toMatchObject({ error: { code: 'BUNDLE_COUNTER' } });
  });

  it('falls back to the previous bundle when the active one does not load, and fetches that one anew', async () => {
    const first = await bench();
    const [one, two] = [release(1), release(2)];
    first.release(one);
    await first.reaches('active', one.digest);
    first.release(two);
    await first.reaches('active', two.digest);
    await first.close();
    const part = join(first.directory, 'bundles', two.digest, 'constants');
    const bytes = await readFile(part);
    bytes[100]! ^= 1;
    await writeFile(part, bytes);
    const again = await bench({ directory: first.directory });
    expect(again.rollout.report).toMatchObject({
      status: 'rolled-back',
      active: one.digest,
      subject: two.digest,
      error: { code: 'BUNDLE_DIGEST' },
    });
    expect(await again.answers()).toBe(one.digest);
    // Damage on disk is not the bundle's fault: it is fetched anew.
    again.release(two);
    await again.reaches('active', two.digest);
  });

  it.each(['FHE_MEMORY', 'FHE_DISK', 'NETWORK_MEMORY'] as const)(
    'keeps a bundle that the machine cannot run (%s), and takes it once it can',
    async (code) => {
      let lacking: string | null = null;
      const site = await bench({ lacks: ({ digest }) => (digest === lacking ? code : null) });
      const [one, two] = [release(1), release(2)];
      site.release(one);
      await site.reaches('active', one.digest);
      lacking = two.digest;
      site.release(two);
      expect(await site.reaches('refused', two.digest)).toMatchObject({
        active: one.digest,
        error: { code },
      });
      expect(await site.answers()).toBe(one.digest);
      const fetched = site.requests.length;
      lacking = null;
      site.rollout.reconsider('machine');
      expect(await site.reaches('active', two.digest)).toMatchObject({ previous: one.digest, error: null });
      expect(site.requests.length).toBe(fetched);
    },
  );

  it('ends the bundle that runs where there is no memory for two, and brings it back where the other one fails', async () => {
    const site = await bench({ lacks: (_bundle, isBeside) => (isBeside ? 'NETWORK_MEMORY' : null) });
    const [one, two] = [release(1), release(2)];
    const bad = release(3, owner.privateKey, { selfTest: { engine: 'ab'.repeat(32) } });
    for (const each of [one, two]) {
      site.release(each);
      await site.reaches('active', each.digest);
    }
    expect(await site.answers()).toBe(two.digest);
    site.release(bad);
    const report = await site.reaches('refused', bad.digest);
    expect(report).toMatchObject({ active: two.digest, error: { code: 'BUNDLE_SELF_TEST' } });
    expect(await site.answers()).toBe(two.digest);
    const four = release(4);
    site.release(four);
    await site.reaches('active', four.digest);
    expect(await site.answers()).toBe(four.digest);
  });

  it('starts what it ended for a bundle that failed once the disk gives it again', async () => {
    const one = release(1);
    const bad = release(2, owner.privateKey, { selfTest: { engine: 'ab'.repeat(32) } });
    let isGone = false;
    const site = await bench({
      lacks: ({ digest }, isBeside) => {
        if (isBeside) return 'NETWORK_MEMORY';
        return isGone && digest === one.digest ? 'FHE_DISK' : null;
      },
      retryMs: [20],
    });
    site.release(one);
    await site.reaches('active', one.digest);
    isGone = true;
    site.release(bad);
    const report = await site.reaches('refused', bad.digest);
    expect(report).toMatchObject({ active: one.digest, error: { code: 'BUNDLE_SELF_TEST' } });
    expect(site.runner.host).toBeNull();
    isGone = false;
    expect(await until('answers', site.answers)).toBe(one.digest);
  });

  it('brings back once what it ended for a damaged bundle that a newer one then replaces', async () => {
    const { parts } = network;
    // With a part that the one that runs does not have: it must be fetched.
    const broken = { ...network, parts: { ...parts, program: parts.program.slice(0, -1) } };
    const [one, three] = [release(1), release(3)];
    const two = makeBundle(broken, owner.privateKey, { counter: 2 });
    let isTight = false;
    const site = await bench({
      lacks: ({ digest }, isBeside) => {
        if (isTight) return isBeside ? 'NETWORK_MEMORY' : null;
        return digest === two.digest ? 'FHE_MEMORY' : null;
      },
    });
    site.release(one);
    await site.reaches('active', one.digest);
    site.release(two);
    await site.reaches('refused', two.digest);
    await writeFile(join(site.directory, 'bundles', two.digest, 'program'), 'damaged');
    isTight = true;
    site.mute(true);
    const fetched = site.requests.length;
    site.rollout.reconsider('machine');
    await until('fetching it anew', () => site.requests.length > fetched);
    expect(site.runner.host?.bundle.digest).toBe(one.digest);
    site.mute(false);
    site.release(three);
    await site.reaches('active', three.digest);
    expect(site.opened.map(({ digest }) => digest)).toEqual([one.digest, one.digest, three.digest]);
    expect(site.events).toEqual(['BUNDLE_ACTIVE', 'FHE_MEMORY', 'BUNDLE_ACTIVE']);
  });

  it('keeps two within the memory that the settings give, or one', async () => {
    // 64 MB are for the threads of each, and these networks take some three.
    for (const [memoryMegabytes, isBeside] of [
      [200, true],
      [100, false],
    ] as const) {
      const site = await bench({ memoryMegabytes });
      const [one, two] = [release(1), release(2)];
      for (const each of [one, two]) {
        site.release(each);
        await site.reaches('active', each.digest);
      }
      expect(site.opened).toEqual([
        { digest: one.digest, isBeside: false },
        { digest: two.digest, isBeside },
      ]);
      expect(await site.answers()).toBe(two.digest);
    }
  });

  it('tries a disk again by itself, also with the only bundle that it has', async () => {
    let isFull = true;
    const lacks = () => (isFull ? 'FHE_DISK' : null);
    const first = await bench({ lacks, retryMs: [20] });
    const one = release(1);
    first.release(one);
    await first.reaches('refused', one.digest);
    isFull = false;
    await first.reaches('active', one.digest);
    await first.close();
    isFull = true;
    const again = await bench({ directory: first.directory, lacks, retryMs: [20] });
    expect(again.rollout.report).toMatchObject({ status: 'refused', error: { code: 'FHE_DISK' } });
    isFull = false;
    await again.reaches('active', one.digest);
    expect(await again.answers()).toBe(one.digest);
  });

  it('goes back where the disk fails at run time, says so, and returns when it is whole', async () => {
    let lacking: string | null = null;
    const site = await bench({ lacks: ({ digest }) => (digest === lacking ? 'FHE_DISK' : null) });
    const [one, two] = [release(1), release(2)];
    for (const each of [one, two]) {
      site.release(each);
      await site.reaches('active', each.digest);
    }
    lacking = two.digest;
    await site.runner.run(site.runner.host!, new Uint8Array(1)).catch(() => {});
    expect(await site.reaches('rolled-back', two.digest)).toMatchObject({
      active: one.digest,
      error: { code: 'FHE_DISK' },
    });
    expect(await until('answers', site.answers)).toBe(one.digest);
    lacking = null;
    site.rollout.reconsider('machine');
    await site.reaches('active', two.digest);
  });

  it('gives up what waits for the machine where another bundle needs its room', async () => {
    let lacking: string | null = null;
    const site = await bench({ lacks: ({ digest }) => (digest === lacking ? 'FHE_DISK' : null) });
    const [one, two, three] = [release(1), release(2), release(3)];
    lacking = one.digest;
    site.release(one);
    await site.reaches('refused', one.digest);
    await site.close();
    const folders = () => readdir(join(site.directory, 'bundles'));
    expect(await folders()).toEqual([one.digest]);
    const store = new BundleStore(join(site.directory, 'bundles'), 2 ** 52);
    const begin = (needed: readonly string[]) => store.begin({ ...three, counter: 3 } as never, needed);
    await expect(begin([one.digest])).rejects.toMatchObject({ code: 'BUNDLE_TOO_LARGE' });
    expect(await folders()).toContain(one.digest);
    await expect(begin([two.digest])).rejects.toMatchObject({ code: 'BUNDLE_TOO_LARGE' });
    expect(await folders()).toEqual([`${three.digest}.partial`]);
  });

  it('takes a bundle back that crashes at run time, for good', async () => {
    const { release: announce, reaches, runner, answers, rollout, directory, close } = await bench();
    const [one, two] = [release(1), release(2)];
    announce(one);
    await reaches('active', one.digest);
    announce(two);
    await reaches('active', two.digest);
    const crash = async () => {
      const host = runner.host;
      // A picture of the wrong size is what an interpreter cannot run: it fails, as a broken program would.
      if (host?.bundle.digest === two.digest) await runner.run(host, new Uint8Array(1)).catch(() => {});
      return rollout.report.status === 'rolled-back';
    };
    await until('the rollback', crash);
    expect(rollout.report).toMatchObject({
      active: one.digest,
      subject: two.digest,
      error: { code: 'BUNDLE_CRASHED' },
    });
    expect(await until('answers', answers)).toBe(one.digest);
    await close();
    const again = await bench({ directory });
    again.release(two);
    await again.reaches('rolled-back', two.digest);
    expect(await again.answers()).toBe(one.digest);
  });
});
