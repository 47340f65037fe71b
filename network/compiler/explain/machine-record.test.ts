import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { convolutionalGraph } from '#network/testing/small-graphs.ts';
import { compileNetwork } from '../compile.ts';
import { explainNetwork, sketchForExplanation } from './explain-network.ts';
import {
  costOf,
  type MachineRecord,
  machineCacheFile,
  machineIdentity,
  readMachineRecord,
  runOf,
  withCost,
  withRun,
} from './machine-record.ts';
import { printExplanation } from './print-explanation.ts';

const RING = { ringDegree: 8192, alpha: 1 };
const COST = {
  transformNs: 1,
  conversionNs: 0,
  keyProductNs: 2,
  productNs: 3,
  passNs: 4,
  sampleNs: 5,
  barrierNs: 6,
};
const RUN = { medianMs: 20, p95Ms: 22, frames: 100, at: '2026-11-21T06:00:00.000Z' };

async function store(record: MachineRecord | string): Promise<void> {
  await mkdir(path.dirname(machineCacheFile()), { recursive: true });
  await writeFile(machineCacheFile(), typeof record === 'string' ? record : JSON.stringify(record));
}

let cache = '';
beforeEach(async () => {
  cache = await mkdtemp(path.join(tmpdir(), 'blindsight-machine-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

describe('MachineRecord', () => {
  it('keeps costs by ring', async () => {
    const empty = await readMachineRecord();
    expect(costOf(empty, RING)).toBe(null);
    await store(withCost(empty, RING, COST));
    const kept = await readMachineRecord();
    expect(costOf(kept, RING)).toEqual(COST);
    expect(costOf(kept, { ...RING, alpha: 2 })).toBe(null);
  });

  it.each([
    ['of another machine or kernel', JSON.stringify({ identity: 'another', costs: {}, runs: { a: RUN } })],
    ['that is broken', '{"identity":'],
    ['of another form', JSON.stringify({ identity: machineIdentity(), transformNs: 1 })],
  ])('takes nothing from a file %s', async (_, text) => {
    await store(text);
    expect(await readMachineRecord()).toEqual({ identity: machineIdentity(), costs: {}, runs: {} });
  });

  it('recognizes a program that ran, under any name and with any weights', async () => {
    const { program } = compileNetwork(convolutionalGraph(7), {
      name: 'ran',
      labels: ['a', 'b', 'c'],
      activationRanges: [3, 4],
      logitRange: 5,
    });
    const record = withRun(await readMachineRecord(), program, RUN);
    const sketch = (units: number) => sketchForExplanation(convolutionalGraph(1, units), 'asked').program;
    expect(runOf(record, sketch(12))).toEqual(RUN);
    expect(runOf(record, sketch(40))).toBe(null);
  });

  it('lets an explanation stand beside what was measured', () => {
    const explanation = explainNetwork(convolutionalGraph(1), { machine: COST, measured: RUN });
    const ratio = explanation.estimatedMs.total / 20;
    expect(explanation.measured).toEqual({ ...RUN, ratio });
    expect(printExplanation(explanation)).toContain(
      `20.0 ms median, 22.0 ms at 95 % of 100 frames (2026-11-21); the estimate is ${(100 * ratio).toFixed(0)} % of it`,
    );
    expect(printExplanation(explainNetwork(convolutionalGraph(1)))).toContain('not yet on this machine');
  });
});
