import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { machineCacheFile, machineIdentity, measureMachine, readMachine } from './measure-machine.ts';

afterEach(() => vi.unstubAllEnvs());

describe('MeasureMachine', () => {
  it('finds the unit costs of the engine', async () => {
    const { transformNs, keyProductNs, productNs } = await measureMachine();
    // From fast cores with many threads to a busy small board.
    for (const cost of [transformNs, keyProductNs, productNs]) {
      expect(cost).toBeGreaterThan(0.005);
      expect(cost).toBeLessThan(50);
    }
  }, 60_000);

  it('stops when it is told to', async () => {
    await expect(measureMachine(AbortSignal.abort())).rejects.toThrow(/abort/i);
  }, 60_000);
});

describe('ReadMachine', () => {
  it('takes what was measured on this machine, and nothing else', async () => {
    vi.stubEnv('XDG_CACHE_HOME', await mkdtemp(path.join(tmpdir(), 'machine-')));
    expect(await readMachine()).toBe(null);
    const cost = { transformNs: 1, keyProductNs: 2, productNs: 3 };
    await mkdir(path.dirname(machineCacheFile()));
    await writeFile(machineCacheFile(), JSON.stringify({ identity: machineIdentity(), ...cost }));
    expect(await readMachine()).toEqual(cost);
    await writeFile(machineCacheFile(), JSON.stringify({ identity: 'another', ...cost }));
    expect(await readMachine()).toBe(null);
    await writeFile(machineCacheFile(), '{"identity":');
    expect(await readMachine()).toBe(null);
  });
});
