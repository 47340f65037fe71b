import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CHUNK_BYTES, encodeChunk } from '#protocol/chunk.ts';
import type { ChunkRequest } from '#protocol/messages.ts';
import { SOFTWARE_PART, softwareDigest } from '#protocol/software.ts';
import { systemClock } from '#runtime/clock.ts';
import { createLogger } from '#runtime/log.ts';
import { mountSmallDisk, NO_MOUNT, type SmallDisk } from '#runtime/testing/small-disk.ts';
import { until } from '../testing/until.ts';
import { type Release, UpdateBox } from '../testing/update-box.ts';
import type { LaunchPlace } from './launch-place.ts';
import { Software, type SoftwareOptions } from './software.ts';
import { EMPTY_STATE, SoftwareStateFile } from './software-state.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json', destination: { write: () => {} } });

/** The code of updates in this process, with a site that sends what it is told to. */
class Bench {
  readonly box = new UpdateBox();
  readonly requests: ChunkRequest[] = [];
  readonly statuses: string[] = [];
  restarts = 0;
  freeMemory = 2 ** 40;
  archive: Uint8Array = new Uint8Array(0);
  /** Called before each chunk. */
  onChunk: (number: number) => void = () => {};
  software!: Software;

  constructor() {
    onTestFinished(async () => {
      await this.software?.close();
      await this.box.close();
    });
    mkdirSync(this.box.software);
  }

  async open(
    slot: LaunchPlace['slot'] | null = 'base',
    change: Partial<SoftwareOptions> = {},
  ): Promise<void> {
    this.software = await Software.open({
      site: 'town',
      gateway: 'gate-1',
      ownerKeys: () => [this.box.owner.publicKey],
      place: slot && { slot, folder: this.box.software },
      version: '1.0.0',
      restart: () => this.restarts++,
      clock: systemClock,
      log,
      freeMemory: () => this.freeMemory,
      retryMs: [50],
      reserveBytes: 100_000,
      ...change,
    });
    this.software.connect({
      request: (request) => this.#serve(request),
      condition: () => ({ streaming: ['front'], wanted: ['front'], answers: 1 }),
      proveLink: async () => true,
      onReport: () => this.#note(),
      onEvent: () => {},
    });
    void this.software.run(new AbortController().signal);
  }

  send({ wire, archive }: Release): void {
    this.archive = archive;
    this.software.receive(wire);
  }

  async reported(status: string, code: string | null = null): Promise<void> {
    await until(`${status} ${code}`, () => this.is(status, code)).catch((error: unknown) => {
      throw new Error(JSON.stringify(this.software.report), { cause: error });
    });
  }

  is(status: string, code: string | null): boolean {
    const { report } = this.software;
    return report.status === status && (report.error?.code ?? null) === code;
  }

  async state() {
    return (await SoftwareStateFile.open(this.box.software, async () => EMPTY_STATE)).current;
  }

  #note(): void {
    const { status, error } = this.software.report;
    const now = `${status}${error === null ? '' : ` ${error.code}`}`;
    if (this.statuses.at(-1) !== now) this.statuses.push(now);
  }

  #serve(request: ChunkRequest): void {
    this.requests.push(request);
    const { bundle, from, count } = request;
    for (let number = from; number < from + count && number * CHUNK_BYTES < this.archive.length; number++) {
      const data = Uint8Array.from(this.archive.subarray(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES));
      setImmediate(() => {
        this.onChunk(number);
        this.software.receiveChunk(encodeChunk({ bundle, part: SOFTWARE_PART, number, data }));
      });
    }
  }
}

/** Files that do not compress: 3 MB. */
const ballast = () =>
  Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`files/${i}`, randomBytes(100_000)] as const));

describe('a release of the program', () => {
  it('is refused without a launcher, with its code, and nothing is reported as tried', async () => {
    const bench = new Bench();
    await bench.open(null);
    expect(bench.software.report).toMatchObject({
      status: 'none',
      version: '1.0.0',
      counter: 0,
      error: null,
    });
    bench.send(await bench.box.release('good', '1.1.0'));
    await bench.reported('refused', 'SOFTWARE_NO_LAUNCHER');
    expect(bench.requests).toEqual([]);
  });

  it('whose archive has a changed byte is fetched again', async () => {
    const bench = new Bench();
    await bench.open();
    const release = await bench.box.release('good', '1.1.0');
    const damaged = Buffer.from(release.archive);
    damaged[damaged.length >> 1]! ^= 1;
    bench.send({ ...release, archive: damaged });
    await bench.reported('refused', 'SOFTWARE_DIGEST');
    bench.archive = release.archive;
    await bench.reported('testing');
    await until('the end of this program', () => bench.restarts === 1);
    expect(await bench.state()).toMatchObject({ counter: 1, trial: { slot: 'a', tries: 0 } });
  });

  it.each<[string, string, (bench: Bench) => Promise<Release>]>([
    [
      'SOFTWARE_DIGEST',
      'another list of files',
      (bench) => bench.box.release('good', '1.1.0', { contents: 'ef'.repeat(32) }),
    ],
    [
      'SOFTWARE_INVALID',
      'another version',
      (bench) => bench.box.release('good', '1.1.0', { version: '1.2.0' }),
    ],
    [
      'SOFTWARE_BROKEN',
      'a program that does not start',
      (bench) => bench.box.release('good', '1.1.0', {}, { 'bin/blindsight': '#!/bin/sh\nexit 7\n' }),
    ],
    [
      'SOFTWARE_BROKEN',
      'a program that is none',
      (bench) => bench.box.release('good', '1.1.0', {}, { 'bin/blindsight': '\u007fELF of another machine' }),
    ],
  ])('is refused with %s where it holds %s, and leaves nothing behind', async (code, _, make) => {
    const bench = new Bench();
    await bench.open();
    bench.send(await make(bench));
    await bench.reported('refused', code);
    expect(await bench.state()).toMatchObject({ trial: null, active: null, counter: 0 });
    expect(existsSync(join(bench.box.software, 'a'))).toBe(false);
    expect(bench.restarts).toBe(0);
  });

  it('waits for memory and goes on by itself', async () => {
    const bench = new Bench();
    await bench.open();
    bench.freeMemory = 2 ** 20;
    bench.send(await bench.box.release('good', '1.1.0', { memoryMegabytes: 2 }));
    await bench.reported('refused', 'SOFTWARE_MEMORY');
    expect(bench.requests).toEqual([]);
    bench.freeMemory = 2 ** 21;
    await bench.reported('testing');
  });

  it('that is older than one accepted before is refused, and does not end the work on a newer one', async () => {
    const bench = new Bench();
    await bench.open();
    const old = await bench.box.release('good', '1.0.9');
    const newer = await bench.box.release('good', '1.1.0', {}, ballast());
    const foreign = await bench.box.release('good', '1.1.1', { gateway: 'gate-2' });
    let sent = false;
    bench.onChunk = () => {
      if (!sent) bench.software.receive(foreign.wire);
      sent = true;
    };
    bench.send(newer);
    await until('the end of this program', () => bench.restarts === 1);
    expect(sent).toBe(true);
    expect(await bench.state()).toMatchObject({ counter: 2, trial: { digest: softwareDigest(newer.wire) } });
    await bench.software.close();
    // The next process, after the newer one was taken back.
    await (await SoftwareStateFile.open(bench.box.software, async () => EMPTY_STATE)).update({ trial: null });
    await bench.open();
    bench.send(old);
    await bench.reported('refused', 'SOFTWARE_COUNTER');
  });

  it('is fetched from where a restart cut it off', async () => {
    const bench = new Bench();
    await bench.open();
    const release = await bench.box.release('good', '1.1.0', {}, ballast());
    const cut = Promise.withResolvers<void>();
    bench.onChunk = (number) => {
      if (number === 20) cut.resolve();
    };
    bench.send(release);
    await cut.promise;
    await bench.software.close();
    bench.requests.length = 0;
    await bench.open();
    bench.send(release);
    await bench.reported('testing');
    expect(bench.requests[0]?.from).toBeGreaterThan(10);
  });
});

describe('a release that the disk damages', () => {
  it.each([
    [2, 'testing', null],
    [3, 'rolled-back', 'SOFTWARE_DAMAGED'],
  ])('%d times is then %s', async (times, status, code) => {
    const bench = new Bench();
    const release = await bench.box.release('good', '1.1.0');
    const digest = softwareDigest(release.wire);
    const file = await SoftwareStateFile.open(bench.box.software, async () => EMPTY_STATE);
    const takenBack = { digest, code: 'SOFTWARE_DAMAGED', message: 'x', times };
    await file.update({ counter: 1, counterOf: digest, takenBack });
    await bench.open();
    bench.send(release);
    await bench.reported(status, code);
    if (code === null) expect((await bench.state()).takenBack, 'counts on').toMatchObject({ times });
    else expect(bench.requests).toEqual([]);
  });
});

describe('on a full disk, an update', () => {
  async function mounted(skip: (note: string) => void, megabytes: number) {
    const bench = new Bench();
    const disk = mountSmallDisk(megabytes, bench.box.software);
    if (disk === null) return skip(NO_MOUNT) ?? null;
    onTestFinished(async () => {
      await bench.software?.close();
      disk.unmount();
    });
    return { bench, disk, release: await bench.box.release('good', '1.1.0', {}, ballast()) };
  }

  it.each<[string, (bench: Bench, disk: SmallDisk) => void, string]>([
    ['before it is fetched', (_, disk) => disk.fill(), 'SOFTWARE_NO_ROOM'],
    [
      'while it is fetched',
      (bench, disk) => {
        bench.onChunk = (number) => {
          if (number === 20) disk.fill();
        };
      },
      'SOFTWARE_NO_ROOM',
    ],
    ['before it is unpacked', (_, disk) => disk.fill(4_000_000), 'SOFTWARE_NO_ROOM'],
    [
      'when it is to be tried',
      (bench, disk) => {
        const chunks = Math.floor(3_000_000 / CHUNK_BYTES);
        bench.onChunk = (number) => {
          if (number === chunks) disk.fill(3_400_000);
        };
      },
      'SOFTWARE_NO_ROOM',
    ],
  ])('that fills %s waits for room, says so, and goes on', async (_, fill, code) => {
    const given = await mounted((note) => onTestFinished(() => console.warn(note)), 12);
    if (given === null) return;
    const { bench, disk, release } = given;
    await bench.open();
    fill(bench, disk);
    bench.send(release);
    await until('a refusal', () => bench.software.report.status === 'refused');
    expect(bench.statuses.at(-1)).toContain(code);
    expect(bench.restarts).toBe(0);
    bench.onChunk = () => {};
    disk.empty();
    await bench.reported('testing');
    await until('the end of this program', () => bench.restarts === 1);
    expect(readdirSync(join(bench.box.software, 'a', 'program', 'files'))).toHaveLength(30);
  });

  it('that cannot note that it proved itself gives up in time, and says why', async ({ skip }) => {
    const given = await mounted(skip, 12);
    if (given === null) return;
    const { bench, disk, release } = given;
    await bench.open();
    bench.send(release);
    await until('the end of this program', () => bench.restarts === 1);
    await bench.software.close();
    const { trial } = await bench.state();
    const file = await SoftwareStateFile.open(bench.box.software, async () => EMPTY_STATE);
    await file.update({ trial: { ...trial!, tries: 1, limitMs: 300 } });
    disk.fill();
    await bench.open('a');
    await until('the end of this program', () => bench.restarts === 2);
    expect(await bench.state()).toMatchObject({ active: null, trial: { tries: 1 } });
    disk.empty();
    await bench.software.close();
    await bench.open('a');
    await bench.reported('active');
    expect(await bench.state()).toMatchObject({ active: { slot: 'a' }, trial: null });
  });
});
