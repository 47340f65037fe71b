import { generateKeyPairSync } from 'node:crypto';
import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentConfig } from '#config/schema.ts';
import { encodeChunk } from '#protocol/chunk.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { BUNDLE_PARTS, type BundlePartName, type Manifest } from '#protocol/manifest.ts';
import type { ChunkRequest } from '#protocol/messages.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import type { Frame } from '../camera/frame.ts';
import type { InterpreterHost } from '../inference/interpreter-host.ts';
import type { OpenOptions } from '../inference/interpreter-opener.ts';
import type { Answer } from '../inference/pipeline.ts';
import { makeBundle, type TestBundle } from '../testing/make-bundle.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { until } from '../testing/until.ts';
import { defaultPlace, openNetworkFiles } from './network-files.ts';
import { type NetworkCamera, Networks } from './networks.ts';

const owner = generateKeyPairSync('ed25519');
const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });
const MEGABYTE = 2 ** 20;

/** Parts that nobody opens: what is tested here is which network they are of. */
function release(name: string, change: Partial<Manifest> = {}, bytes = 1000): TestBundle {
  const parts = Object.fromEntries(BUNDLE_PARTS.map((part) => [part, new Uint8Array(bytes).fill(7)]));
  const network = {
    program: { name },
    parts: parts as Record<BundlePartName, Uint8Array>,
    selfTest: { engine: 'ab'.repeat(32), reference: 'ab'.repeat(32) },
  };
  return makeBundle(network, owner.privateKey, change);
}

const beside = (name: string, change: Partial<Manifest> = {}, bytes?: number) =>
  release(name, { beside: true, ...change }, bytes);

/** A camera that always has a new picture. */
class FakeCamera implements NetworkCamera {
  readonly config;
  readonly hasFrame = true;
  taken = 0;
  held: string | null = null;

  constructor(name: string, network?: string) {
    const camera = { name, url: 'rtsp://host/path', rate: 60, ...(network !== undefined && { network }) };
    this.config = AgentConfig.shape.cameras.parse([camera])[0]!;
  }

  get name(): string {
    return this.config.name;
  }

  take(): Frame {
    return { width: 4, height: 4, data: new Uint8Array(48), timeMs: 5, number: ++this.taken };
  }

  hold(reason: string | null): void {
    this.held = reason;
  }

  markInference(): void {}
}

type BenchOptions = {
  readonly directory?: string;
  /** How long a picture takes, by model. */
  readonly runs?: Readonly<Record<string, () => Promise<unknown>>>;
  /** Bundles that fail their self-test. */
  readonly failing?: readonly TestBundle[];
  /** Least that a bundle needs. */
  readonly needs?: { readonly megabytes: number };
};

/** Networks on a folder, with interpreters that only wait, and a site that serves what was released. */
async function bench(cameras: readonly FakeCamera[], options: BenchOptions = {}) {
  const directory = options.directory ?? (await temporaryDirectory());
  const context = { site: 'town', gateway: 'gate-1', ownerKeys: () => [owner.publicKey] };
  const released = new Map<string, TestBundle>();
  const [requests, answers, opened]: [ChunkRequest[], Answer[], string[]] = [[], [], []];
  const watched = new Set<string>();
  const masked: string[] = [];
  const state = { megabytes: 1000, followed: [] as readonly string[], storing: 0, mostStoring: 0, closed: 0 };
  const open = async ({ bundle }: OpenOptions) => {
    if (options.failing?.some(({ digest }) => digest === bundle.digest))
      throw new BlindsightError('BUNDLE_SELF_TEST', 'another answer');
    if (state.megabytes < (options.needs?.megabytes ?? 0))
      throw new BlindsightError('FHE_MEMORY', 'the least that works is more');
    opened.push(bundle.digest);
    const gone = Promise.withResolvers<Error>();
    const host = {
      ...{ bundle, kind: 'reference', threads: 1, lanes: 1, regions: 1, closed: false, gone: gone.promise },
      picture: { channels: 1, height: 2, width: 2 },
      run: async () => {
        await options.runs?.[bundle.manifest.model]?.();
        return { ciphertext: new Uint8Array(1), timings: { encryptMs: 1, evaluateMs: 2 } };
      },
      close: async () => {
        state.closed++;
        gone.resolve(new Error('closed'));
      },
    };
    return host as unknown as InterpreterHost;
  };
  const serve = (request: ChunkRequest) => {
    requests.push(request);
    const part = request.part as BundlePartName;
    const data = released.get(request.bundle)?.parts[part];
    if (data === undefined) return;
    networks.receiveChunk(encodeChunk({ bundle: request.bundle, part, number: 0, data }));
  };
  const networks = new Networks(await openNetworkFiles(defaultPlace(directory), context, log), {
    ...{ ...context, data: directory, clock: systemClock, log, open },
    admit: () => {},
    memoryBytes: () => state.megabytes * MEGABYTE,
    onFollow: (names) => {
      state.followed = names;
      for (const { manifest, wire } of released.values())
        if (manifest.beside && names.includes(manifest.model)) networks.receiveManifest(wire, manifest.model);
    },
    request: (request) => void setImmediate(() => serve(request)),
    onMasked: (camera) => masked.push(camera),
    isWatched: (camera) => watched.has(camera),
    onReport: () => {},
    onEvent: () => {},
    onAnswer: async (answer) => {
      state.mostStoring = Math.max(state.mostStoring, ++state.storing);
      await new Promise((resolve) => setImmediate(resolve));
      state.storing--;
      return answers.push(answer) > 0;
    },
  });
  networks.setCameras(cameras);
  const stop = new AbortController();
  const running = networks.run(stop.signal);
  const close = async () => {
    stop.abort();
    networks.wake();
    await networks.close();
    await running;
  };
  onTestFinished(close);
  const deploy = (bundle: TestBundle) => {
    released.set(bundle.digest, bundle);
    const { beside: isBeside, model } = bundle.manifest;
    networks.receiveManifest(bundle.wire, isBeside ? model : undefined);
  };
  const reportOf = (name: string) => networks.report.networks.find(({ network }) => network === name);
  const answeredBy = (camera: string) =>
    answers.findLast((answer) => answer.camera === camera)?.host.bundle.digest;
  return {
    directory,
    networks,
    deploy,
    requests,
    answers,
    opened,
    watched,
    masked,
    state,
    reportOf,
    answeredBy,
    close,
  };
}

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

describe('Networks', () => {
  it('let each camera be answered by the network that it names, and by the default one if it names none', async () => {
    const [yard, lot, door] = [
      new FakeCamera('yard'),
      new FakeCamera('lot', 'carpark'),
      new FakeCamera('door', 'counter'),
    ];
    const { networks, deploy, state, answeredBy } = await bench([yard, lot, door]);
    await until('a followed network', () => state.followed.includes('carpark'));
    await until('a reason', () => lot.held?.includes('blindsight deploy carpark gate-1 --beside'));
    expect(yard.held).toBeNull();
    const [counter, carpark] = [release('counter'), beside('carpark')];
    deploy(carpark);
    await until('an answer about the lot', () => answeredBy('lot') === carpark.digest);
    expect(lot.held).toBeNull();
    expect(yard.taken).toBe(0);
    deploy(counter);
    await until('an answer about the yard', () => answeredBy('yard') === counter.digest);
    // It names the default network.
    await until('an answer about the door', () => answeredBy('door') === counter.digest);
    await until('the other one left', () => state.followed.join() === 'carpark');
    expect(networks.isRunning).toBe(true);
    expect(networks.report.networks).toMatchObject([{ network: 'carpark', status: 'active' }]);
  });

  it('let whoever aims a camera see it while its network is not there', async () => {
    const lot = new FakeCamera('lot', 'carpark');
    const { networks, answers, state, watched, masked } = await bench([lot]);
    await until('a followed network', () => state.followed.includes('carpark'));
    expect(lot.held).not.toBeNull();
    expect(lot.taken).toBe(0);
    watched.add('lot');
    networks.watchChanged();
    await until('a picture', () => masked.includes('lot'));
    expect(lot.held).toBeNull();
    watched.clear();
    networks.watchChanged();
    expect(lot.held).toContain('carpark');
    expect(answers).toEqual([]);
  });

  it('let a fast network answer while a slow one computes, and number answers one after the other', async () => {
    const slow = Promise.withResolvers<void>();
    const { deploy, state, answers, networks } = await bench(
      [new FakeCamera('yard'), new FakeCamera('lot', 'slow')],
      {
        runs: { slow: () => slow.promise },
      },
    );
    await until('a followed network', () => state.followed.includes('slow'));
    deploy(beside('slow'));
    deploy(release('counter'));
    await until('answers', () => answers.length >= 10);
    expect(new Set(answers.map(({ camera }) => camera))).toEqual(new Set(['yard']));
    slow.resolve();
    await until('an answer of the slow one', () => answers.some(({ camera }) => camera === 'lot'));
    expect(state.mostStoring).toBe(1);
    expect(networks.counts.failures).toBe(0);
  });

  it('run nothing in the place of another network', async () => {
    const { deploy, networks, state, reportOf } = await bench([new FakeCamera('lot', 'carpark')]);
    await until('a followed network', () => state.followed.includes('carpark'));
    networks.receiveManifest(beside('carpark').wire);
    await until('a refusal', () => networks.report.bundle.error?.code === 'BUNDLE_TARGET');
    for (const { wire } of [release('carpark'), beside('other')]) {
      networks.receiveManifest(wire, 'carpark');
      await until('a refusal', () => reportOf('carpark')?.error?.code === 'BUNDLE_TARGET');
      deploy(beside('carpark', { counter: reportOf('carpark')!.counter + 1 }));
      await until('its own', () => reportOf('carpark')?.status === 'active');
    }
  });

  it('keep the one of before where a new release of one fails, and touch no other', async () => {
    const bad = beside('carpark', { counter: 3, modelVersion: 2 });
    const cameras = [new FakeCamera('yard'), new FakeCamera('lot', 'carpark')];
    const { deploy, networks, state, reportOf, answers, answeredBy } = await bench(cameras, {
      failing: [bad],
    });
    await until('a followed network', () => state.followed.includes('carpark'));
    const [counter, carpark] = [release('counter'), beside('carpark', { counter: 2 })];
    deploy(counter);
    deploy(carpark);
    await until('both', () => answeredBy('yard') === counter.digest && answeredBy('lot') === carpark.digest);
    deploy(bad);
    await until('a refusal', () => reportOf('carpark')?.error?.code === 'BUNDLE_SELF_TEST');
    answers.length = 0;
    await until('both', () => answeredBy('yard') === counter.digest && answeredBy('lot') === carpark.digest);
    expect(networks.report.bundle).toMatchObject({ status: 'active', counter: 1 });
  });

  it('find what they had after a power cut, or fetch it again', async () => {
    const cameras = () => [new FakeCamera('yard'), new FakeCamera('lot', 'carpark')];
    const first = await bench(cameras());
    await until('a followed network', () => first.state.followed.includes('carpark'));
    const [counter, carpark] = [release('counter'), beside('carpark')];
    for (const bundle of [counter, carpark]) first.deploy(bundle);
    await until('both', () => first.answeredBy('yard') && first.answeredBy('lot'));
    await first.close();
    const { directory } = first;
    const folder = join(directory, 'networks', 'carpark');
    for (const lost of [[], ['rollout.json'], ['rollout.json', 'counter']]) {
      for (const name of lost) await rm(join(folder, name), { force: true });
      const again = await bench(cameras(), { directory });
      await until(
        'both',
        () => again.answeredBy('yard') === counter.digest && again.answeredBy('lot') === carpark.digest,
      );
      expect(again.requests).toEqual([]);
      await again.close();
    }
    await rm(folder, { recursive: true });
    const again = await bench(cameras(), { directory });
    await until('a followed network', () => again.state.followed.includes('carpark'));
    again.deploy(carpark);
    await until(
      'both',
      () => again.answeredBy('yard') === counter.digest && again.answeredBy('lot') === carpark.digest,
    );
    expect(new Set(again.requests.map(({ bundle }) => bundle))).toEqual(new Set([carpark.digest]));
  });

  it('leave a network that no camera names any more, in memory and on the disk', async () => {
    const [yard, lot] = [new FakeCamera('yard'), new FakeCamera('lot', 'carpark')];
    const { deploy, networks, state, answers, answeredBy, directory } = await bench([yard, lot]);
    await until('a followed network', () => state.followed.includes('carpark'));
    const counter = release('counter');
    deploy(counter);
    deploy(beside('carpark'));
    await until('both', () => answeredBy('yard') && answeredBy('lot'));
    const before = networks.counts.answers;
    networks.setCameras([yard, new FakeCamera('lot')]);
    await until('no followed network', () => state.followed.length === 0);
    answers.length = 0;
    await until('an answer of the default network', () => answeredBy('lot') === counter.digest);
    expect(state.closed).toBe(1);
    expect(await isThere(join(directory, 'networks', 'carpark'))).toBe(false);
    expect(networks.counts.answers).toBeGreaterThanOrEqual(before);
    expect(networks.report.networks).toEqual([]);
  });

  it('try the default network again where the settings give it more memory', async () => {
    const { deploy, networks, state, answeredBy } = await bench([new FakeCamera('yard')], {
      needs: { megabytes: 300 },
    });
    const counter = release('counter');
    state.megabytes = 200;
    deploy(counter);
    await until('a refusal', () => networks.report.bundle.error?.code === 'FHE_MEMORY');
    state.megabytes = 300;
    await networks.renew(() => true);
    await until('an answer', () => answeredBy('yard') === counter.digest);
  });

  it('refuse a network that does not fit into the memory before it is fetched, and take it once it fits', async () => {
    const lot = new FakeCamera('lot', 'carpark');
    const { deploy, networks, requests, state, reportOf, answeredBy } = await bench([
      new FakeCamera('yard'),
      lot,
    ]);
    await until('a followed network', () => state.followed.includes('carpark'));
    deploy(release('counter'));
    await until('the default network', () => networks.report.bundle.status === 'active');
    const [large, asked] = [beside('carpark', {}, 60_000), requests.length];
    state.megabytes = 200;
    deploy(large);
    await until('a refusal', () => reportOf('carpark')?.error?.code === 'NETWORK_MEMORY');
    expect(requests.length).toBe(asked);
    expect(lot.held).toMatch(
      /refused: it takes about 13\d MB beside 1[23]\d MB of other networks; at most 200 MB .*NETWORK_MEMORY/,
    );
    state.megabytes = 300;
    await networks.renew(() => true);
    await until('an answer', () => answeredBy('lot') === large.digest);
  });
});
