import { generateKeyPairSync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type SharingInterpreter, verifyProgram } from '#fhe';
import { runClear } from '#fhe/design';
import { createDecryptor } from '#fhe/secret';
import { testParameters, testPicture, wideProgram, worstError } from '#fhe/testing';
import { TaskThread } from '#runtime/threads/task-thread.ts';
import { makeBundle, makeNetwork, networkOf, type TestNetwork } from '../testing/make-bundle.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { until } from '../testing/until.ts';
import type { Bundle } from './bundle.ts';
import { InterpreterHost } from './interpreter-host.ts';
import { loadBundle } from './load-bundle.ts';
import type { OpenRequest } from './worker-messages.ts';

let network: TestNetwork;
beforeAll(async () => {
  network = await makeNetwork();
});

async function onDisk(of = network): Promise<Bundle> {
  const { digest, manifest, parts } = makeBundle(of, generateKeyPairSync('ed25519').privateKey);
  const directory = await temporaryDirectory();
  for (const [name, bytes] of Object.entries(parts)) await writeFile(join(directory, name), bytes);
  return { digest, manifest, directory };
}

/** As a camera would show it, in bytes. */
const picture = () => Uint8Array.from(testPicture, (value) => Math.round(255 * value));

describe('InterpreterHost', () => {
  it.each(['reference', 'engine'] as const)('runs the program in a thread: %s', async (kind) => {
    const bundle = await onDisk();
    const host = await InterpreterHost.open({ bundle, kind, threads: 2, selfTest: false });
    expect(host.picture).toEqual(network.program.picture);
    expect(host.regions).toBe(1);
    const { ciphertext, timings } = await host.run(picture());
    expect(timings.evaluateMs).toBeGreaterThan(0);
    const decryptor = await createDecryptor(verifyProgram(network.program), network.keys);
    const seen = Float32Array.from(picture(), (byte) => byte / 255);
    const clear = runClear(verifyProgram(network.program), network.constants, seen);
    expect(worstError(decryptor.decrypt(ciphertext), clear)).toBeLessThan(0.01);
    decryptor.close();
    await host.close();
    await expect(host.run(picture())).rejects.toMatchObject({ code: 'FHE_WORKER' });
  });

  it('refuses memory that is too small, and says how much would do', async () => {
    const bundle = await onDisk();
    const options = { bundle, kind: 'engine', threads: 1, selfTest: true } as const;
    const refused = InterpreterHost.open({ ...options, memoryBytes: 2 ** 20 });
    await expect(refused).rejects.toMatchObject({
      code: 'FHE_MEMORY',
      message: /the least that works is \d+ MB/,
    });
    const host = await InterpreterHost.open({ ...options, memoryBytes: 2 ** 26, mayUseDisk: false });
    expect(host.readsDisk).toBe(false);
    expect(host.usedBytes).toBeGreaterThan(2 ** 20);
    expect(host.usedBytes).toBeLessThanOrEqual(2 ** 26);
    await host.close();
    const beside = InterpreterHost.open({ ...options, memoryBytes: 2 ** 20, mayUseDisk: false });
    await expect(beside).rejects.toMatchObject({
      code: 'NETWORK_MEMORY',
      message: /than the 1 MB that are left/,
    });
  });

  it('sees what a self-test reads from disk, which may be slow and blocks its thread', async () => {
    const bundle = await onDisk(await networkOf(wideProgram(testParameters(8192, 4), 10)));
    const options = { bundle, kind: 'engine', threads: 1, selfTest: true } as const;
    const refusal = await InterpreterHost.open({ ...options, memoryBytes: 2 ** 20 }).catch(String);
    const memoryBytes = Number(/the least that works is (\d+) MB/.exec(String(refusal))?.[1]) * 2 ** 20;
    const run = vi.spyOn(TaskThread.prototype, 'run');
    const host = await InterpreterHost.open({ ...options, memoryBytes });
    const [request, limits] = run.mock.calls[0]!;
    run.mockRestore();
    expect(host.readsDisk).toBe(true);
    expect(limits?.progressOf?.()).toBeGreaterThan(0);
    await host.close();

    const told: number[] = [];
    const { interpreter } = await loadBundle({ ...(request as OpenRequest), laneTo: null }, (progress) => {
      if (typeof progress !== 'number') told.push(progress[1]!);
    });
    const { bytesPerRun } = (interpreter as SharingInterpreter).memoryUse;
    // Before the test no more than its start was read.
    expect(told).toEqual([expect.toSatisfy((bytes: number) => bytes < bytesPerRun)]);
    await interpreter.close();
  });

  it.each([
    ['constants', 50_000],
    ['constants', 8],
    ['evaluation-keys', 1_000],
  ] as const)('refuses %s with one byte changed, at %i', async (name, at) => {
    const bundle = await onDisk();
    const path = join(bundle.directory, name);
    const bytes = await readFile(path);
    bytes[at]! ^= 1;
    await writeFile(path, bytes);
    const opening = InterpreterHost.open({ bundle, kind: 'engine', threads: 1, selfTest: false });
    await expect(opening).rejects.toMatchObject({
      code: 'BUNDLE_DIGEST',
      message: new RegExp(`part ${name}`),
    });
  });

  it.each(['constants', 'program'])('says that the disk does not give %s', async (name) => {
    const bundle = await onDisk();
    const path = join(bundle.directory, name);
    await rm(path);
    await symlink(name, path);
    const opening = InterpreterHost.open({ bundle, kind: 'engine', threads: 1, selfTest: false });
    await expect(opening).rejects.toMatchObject({ code: 'FHE_DISK', message: new RegExp(`part ${name}`) });
  });

  it('answers two pictures at a time as it does one after the other', async () => {
    const bundle = await onDisk();
    const host = await InterpreterHost.open({ bundle, kind: 'engine', threads: 2, selfTest: true });
    expect(host.lanes).toBe(2);
    const pictures = Array.from({ length: 12 }, (_, i) => picture().map((byte) => (byte * (i + 1)) % 256));
    const answer = async (shown: Uint8Array, i: number) =>
      (await host.run(shown, new Uint8Array(32).fill(i))).ciphertext;
    const together = await Promise.all(pictures.map(answer));
    for (const [i, shown] of pictures.entries())
      expect(Buffer.compare(await answer(shown, i), together[i]!)).toBe(0);
    await host.close();
  });

  it("keeps an engine's memory out of its own thread, where it would stay until garbage is collected", async () => {
    const bundle = await onDisk();
    const run = vi.spyOn(TaskThread.prototype, 'run');
    try {
      const host = await InterpreterHost.open({ bundle, kind: 'engine', threads: 2, selfTest: false });
      expect(host.lanes).toBe(2);
      const results = await Promise.all(run.mock.results.map(({ value }) => value));
      expect(results).toHaveLength(2);
      const said = [...results, ...run.mock.calls.map(([task]) => task)].flatMap((each) =>
        Object.values(each ?? {}),
      );
      expect(
        said.filter((value) => value instanceof WebAssembly.Memory || 'memory' in Object(value)),
      ).toEqual([]);
      await host.close();
    } finally {
      run.mockRestore();
    }
  });

  it('refuses a bundle that has no self-test for its interpreter', async () => {
    const { manifest, ...rest } = await onDisk();
    const bundle = {
      ...rest,
      manifest: { ...manifest, selfTest: { reference: network.selfTest.reference } },
    };
    const opening = InterpreterHost.open({ bundle, kind: 'engine', threads: 1, selfTest: true });
    await expect(opening).rejects.toMatchObject({ code: 'BUNDLE_SELF_TEST' });
  });

  it('tests a bundle by the engine where the reference interpreter has no test of its own', async () => {
    const { manifest, ...rest } = await onDisk();
    const open = (engine: string) =>
      InterpreterHost.open({
        bundle: { ...rest, manifest: { ...manifest, selfTest: { engine } } },
        ...{ kind: 'reference', threads: 1, selfTest: true },
      });
    await expect(open('0'.repeat(64))).rejects.toMatchObject({
      code: 'BUNDLE_SELF_TEST',
      message: expect.stringContaining('the engine interpreter answers'),
    });
    const host = await open(network.selfTest.engine);
    expect(host.kind).toBe('reference');
    await expect(host.run(picture(), new Uint8Array(32))).rejects.toThrow('takes no seed');
    await host.close();
  });

  it('stops loading when it is told to', async () => {
    const bundle = await onDisk();
    const signal = AbortSignal.timeout(5);
    const opening = InterpreterHost.open({ bundle, kind: 'reference', threads: 1, selfTest: true, signal });
    await expect(opening).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('ends a thread that does not come back', async () => {
    const bundle = await onDisk();
    const host = await InterpreterHost.open({
      bundle,
      kind: 'reference',
      threads: 1,
      selfTest: false,
      runTimeoutMs: 200,
      workerFile: new URL('../testing/hanging-worker.ts', import.meta.url),
    });
    await expect(host.run(picture())).rejects.toMatchObject({
      code: 'FHE_WORKER',
      message: /no progress for 0.2 s/,
    });
    expect(host.closed).toBe(true);
    await host.gone;
  });

  it('closes at once in the middle of a run', async () => {
    const bundle = await onDisk();
    const workerFile = new URL('../testing/hanging-worker.ts', import.meta.url);
    const host = await InterpreterHost.open({
      bundle,
      kind: 'reference',
      threads: 1,
      selfTest: false,
      workerFile,
    });
    const running = host.run(picture());
    const refused = expect(running).rejects.toMatchObject({ code: 'FHE_WORKER' });
    await host.close();
    await refused;
  });

  it('takes the threads of the engine with it, in the middle of a run', async () => {
    const threads = (): number => readdirSync('/proc/self/task').length;
    const bundle = await onDisk();
    const before = threads();
    const host = await InterpreterHost.open({ bundle, kind: 'engine', threads: 3, selfTest: false });
    // The threads of the two lanes, and two helpers of the first one.
    await until('helpers', () => threads() >= before + 4);
    const running = Array.from({ length: 50 }, () => host.run(picture()));
    const ended = Promise.allSettled(running);
    await running[0];
    await host.close();
    expect((await ended).at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'FHE_WORKER' } });
    await until('the end of all threads', () => threads() <= before);
  });
});
