import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookAround } from '#bench/record.ts';
import { lowerSteps } from '#network/compiler/lowering/lower-steps.ts';
import { runSteps } from '#network/compiler/lowering/run-steps.ts';
import { readOnnx, writeOnnx } from '#network/model/onnx/onnx.ts';
import { convolutionalGraph } from '#network/testing/small-graphs.ts';
import { benchClear } from './bench-clear.ts';
import { openClearCase } from './clear-case.ts';
import { readClearRecord, recordClear } from './clear-record.ts';
import type { ClearResult, FormFigures } from './clear-result.ts';
import { MeasuredProcess } from './measured-process.ts';
import { printClear } from './print-clear.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-clear-test-'));
  file = join(folder, 'small.onnx');
  await writeFile(file, writeOnnx(convolutionalGraph(3)));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a network in its forms', () => {
  let result: ClearResult;
  beforeAll(async () => {
    const shares: number[] = [];
    const all = await benchClear({
      networks: [file],
      quick: true,
      onProgress: (_, share) => shares.push(share),
    });
    expect(all).toHaveLength(1);
    expect(shares[0]).toBe(0);
    result = all[0]!;
  });

  it('answers alike encrypted, with plain weights and in the clear', () => {
    expect(result.network).toBe('small.onnx');
    for (const { worstError } of [result.encrypted, result.plainWeights]) {
      expect(worstError).toBeGreaterThan(0);
      expect(worstError).toBeLessThan(2 ** -8);
    }
  });

  it('has a time, processor time, memory and bytes in each', () => {
    for (const form of [result.encrypted, result.plainWeights, result.clear] satisfies FormFigures[]) {
      expect(form.frames).toBeGreaterThanOrEqual(3);
      expect(form.medianMs).toBeGreaterThan(0);
      expect(form.processorMs).toBeGreaterThan(0);
      expect(form.peakBytes).toBeGreaterThan(result.emptyBytes);
      expect(form.bytesRead).toBeGreaterThan(0);
    }
    expect(result.clear.runtime).toMatch(/^onnxruntime-(web|node) \d+\.\d+\.\d+$/);
    // Keys and encrypted weights are in the memory of the one, and not of the other.
    expect(result.encrypted.peakBytes).toBeGreaterThan(result.emptyBytes + result.encrypted.bytesRead);
    // Half of the weights, and no key for their products.
    expect(result.plainWeights.bytesRead).toBeLessThan(result.encrypted.bytesRead);
    const parameters = [...convolutionalGraph(3).initializers.values()];
    expect(result.clear.bytesRead).toBe(4 * parameters.reduce((sum, { data }) => sum + data.length, 0));
  });

  it('is held against what the machine can do', () => {
    const { machine, bytesMs, productsMs, share } = result.limit;
    expect(bytesMs).toBeCloseTo((1000 * result.encrypted.bytesRead) / machine.bytes, 9);
    expect(productsMs).toBeGreaterThan(0);
    expect(share).toBe(Math.max(bytesMs, productsMs) / result.encrypted.medianMs);
  });

  it('is printed, and recorded in place of an earlier one', async () => {
    expect(printClear([result])).toMatch(/^small\.onnx +encrypted +[\d.]+ ms +[\d.]+ ms +\d+ MB/m);
    const record = join(folder, 'results', 'clear.json');
    const circumstances = await lookAround();
    await recordClear(record, { ...result, network: 'other' }, circumstances);
    await recordClear(record, { ...result, emptyBytes: 1 }, circumstances);
    await recordClear(record, result, circumstances);
    expect((await readClearRecord(record)).map(({ network }) => network)).toEqual(['other', 'small.onnx']);
    expect((await readClearRecord(record))[1]).toMatchObject({ ...result, ...circumstances });
  });
});

describe('the form in the clear', () => {
  // As nGraph's, exported for sixteen pictures at a time.
  const sixteen = join(import.meta.dirname, '../../test/data/onnx/ngraph-he-cryptonets.onnx');

  it.each([
    ['small', () => file],
    ['made for sixteen pictures', () => sixteen],
  ])('answers as the network that is encrypted: %s', async (_, network) => {
    const { onnx, shape, pictures, replaced } = await openClearCase(network());
    expect(replaced).toBe(0);
    await writeFile(join(folder, 'clear.onnx'), onnx);
    const subject = { kind: 'onnx', file: join(folder, 'clear.onnx'), shape, threads: 1 } as const;
    const process = await MeasuredProcess.open(subject, pictures);
    const { answers } = await process.finish();
    await process.close();
    const steps = lowerSteps(readOnnx(onnx));
    for (const [i, picture] of pictures.entries()) {
      const logits = runSteps(steps, picture);
      const largest = Math.max(...logits.map(Math.abs));
      expect(answers[i]).toHaveLength(logits.length);
      (answers[i] as Float32Array).forEach((value, k) => {
        expect(Math.abs(value - logits[k]!)).toBeLessThan(1e-4 * largest);
      });
    }
  });
});

describe('a process that measures', () => {
  it('reports what went wrong, by its code', async () => {
    await writeFile(join(folder, 'program'), 'no program');
    for (const name of ['constants', 'evaluation-keys', 'public-key'])
      await writeFile(join(folder, name), '');
    const opening = MeasuredProcess.open({ kind: 'engine', folder }, []);
    await expect(opening).rejects.toMatchObject({ code: 'FHE_FORMAT' });
  });

  it('ends when it is stopped', async () => {
    const stop = new AbortController();
    const opening = benchClear({ networks: [file], signal: stop.signal, onProgress: () => stop.abort() });
    await expect(opening).rejects.toMatchObject({ name: 'AbortError' });
  });
});
