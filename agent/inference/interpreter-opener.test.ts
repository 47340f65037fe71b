import { describe, expect, it } from 'vitest';
import { AgentConfig } from '#config/schema.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Bundle } from './bundle.ts';
import type { HostOptions, InterpreterHost } from './interpreter-host.ts';
import { InterpreterOpener } from './interpreter-opener.ts';

const MEGABYTE = 2 ** 20;
const inferenceOf = (settings: object) => AgentConfig.shape.inference.parse(settings);

/** An opener whose interpreters only say what they were given; each takes what its bundle's digest says, in megabytes. */
function world(memoryMegabytes: number) {
  const settings = { inference: inferenceOf({ memoryMegabytes }) };
  const given: Pick<HostOptions, 'memoryBytes' | 'mayUseDisk' | 'threads'>[] = [];
  const state = { opening: 0, mostOpening: 0, readsDisk: false, meanwhile: () => {} };
  const opener = new InterpreterOpener(
    () => settings.inference,
    async ({ bundle, kind, threads, memoryBytes, mayUseDisk }) => {
      given.push({ memoryBytes: memoryBytes! / MEGABYTE, mayUseDisk: mayUseDisk!, threads });
      state.mostOpening = Math.max(state.mostOpening, ++state.opening);
      await new Promise((resolve) => setImmediate(resolve));
      state.opening--;
      state.meanwhile();
      const gone = Promise.withResolvers<Error>();
      const close = async () => gone.resolve(new Error('closed'));
      const usedBytes = Number(bundle.digest) * MEGABYTE;
      const { readsDisk } = state;
      return { kind, threads, usedBytes, readsDisk, gone: gone.promise, close } as unknown as InterpreterHost;
    },
  );
  const open = (megabytes: number, isBeside = false) =>
    opener.open({ bundle: { digest: String(megabytes) } as Bundle, selfTest: false, isBeside });
  return { settings, given, state, opener, open };
}

describe('InterpreterOpener', () => {
  it('gives each what the others leave, and what ends is free again', async () => {
    const { given, open } = world(1000);
    const first = await open(300);
    const second = await open(100, true);
    await first.close();
    await open(400, true);
    await second.close();
    await open(10);
    // 64 MB are for the threads of each.
    expect(given.map(({ memoryBytes }) => memoryBytes)).toEqual([
      1000 - 64,
      1000 - 64 - 364,
      1000 - 64 - 164,
      1000 - 64 - 464,
    ]);
    expect(given.map(({ mayUseDisk }) => mayUseDisk)).toEqual([true, false, false, true]);
  });

  it('never gives less than nothing', async () => {
    const { given, open } = world(400);
    await Promise.all([open(336), open(0)]);
    expect(given.map(({ memoryBytes }) => memoryBytes)).toEqual([336, 0]);
  });

  it('says who has the memory that is missing', async () => {
    const { open, state } = world(400);
    await open(100);
    state.meanwhile = () => {
      throw new BlindsightError('FHE_MEMORY', 'too little');
    };
    await expect(open(1)).rejects.toMatchObject({
      code: 'FHE_MEMORY',
      message: 'too little; other networks take 164 MB of the 400 MB that all of them may have',
    });
  });

  it('opens one at a time, also after one that failed', async () => {
    const { opener, state, open } = world(1000);
    const failing = opener.open({ ...{ selfTest: false, isBeside: false }, bundle: null as never });
    const opened = Promise.all([open(1), open(2), open(3)]);
    await expect(failing).rejects.toThrow(TypeError);
    await opened;
    expect(state.mostOpening).toBe(1);
  });

  it('opens again where the settings changed meanwhile', async () => {
    const { settings, given, state, open } = world(1000);
    state.meanwhile = () => {
      settings.inference = inferenceOf({ memoryMegabytes: 1000, threads: 3 });
    };
    expect((await open(1)).threads).toBe(3);
    expect(given.map(({ threads }) => threads)).toEqual([2, 3]);
    expect(given[1]!.memoryBytes).toBe(936);
  });

  it('lets stay what fits the settings of now', async () => {
    const { settings, state, opener, open } = world(1000);
    const [resident, other] = [await open(300), await open(100)];
    const fitsAt = (memoryMegabytes: number, host: InterpreterHost) => {
      settings.inference = inferenceOf({ memoryMegabytes });
      return opener.fits(host);
    };
    expect(fitsAt(528, resident)).toBe(true);
    expect(fitsAt(527, resident)).toBe(false);
    expect(fitsAt(2000, resident)).toBe(true);
    await other.close();
    expect(fitsAt(364, resident)).toBe(true);
    await resident.close();
    state.readsDisk = true;
    settings.inference = inferenceOf({ memoryMegabytes: 1000 });
    const reading = await open(900);
    expect(fitsAt(1000, reading)).toBe(true);
    // With more memory it reads less.
    expect(fitsAt(1001, reading)).toBe(false);
    settings.inference = inferenceOf({ memoryMegabytes: 1000, threads: 1 });
    expect(opener.fits(reading)).toBe(false);
  });
});
