import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeOnnx } from '#network/model/onnx/onnx.ts';
import { SECRETS } from '../sealing/identities.ts';
import { makeSmallGraph } from '../testing/small-network.ts';
import { keepTestModel, makeTestSite, type TestSite } from '../testing/test-site.ts';
import { showModel } from './models.ts';
import { protectModel } from './protect-model.ts';

const METADATA = { labels: ['empty', 'occupied'], activationRanges: [3, 6], logitRange: 8 };

describe('protectModel', () => {
  let site: TestSite;
  let folder: string;
  let onnxFile: string;
  beforeEach(async () => {
    site = await makeTestSite();
    folder = mkdtempSync(join(tmpdir(), 'blindsight-protect-'));
    onnxFile = join(folder, 'small.onnx');
    writeFileSync(onnxFile, writeOnnx(makeSmallGraph(1)));
    writeFileSync(join(folder, 'small.json'), JSON.stringify(METADATA));
  });
  afterEach(async () => {
    await site.close();
    rmSync(folder, { recursive: true });
  });

  it('protects an ONNX file in a thread, keeps it sealed and complete, and counts versions', async () => {
    await keepTestModel(site, 'small');
    const steps: number[] = [];
    const onProgress = (_: string, fraction: number) => steps.push(fraction);
    const model = await protectModel({ site, network: onnxFile, onProgress });
    expect(model).toMatchObject({ name: 'small', version: 2, labels: METADATA.labels });
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(steps.length).toBeGreaterThan(4);
    for (const part of model.parts) {
      expect((await site.blobs.get(part.sha256)).length, part.name).toBe(part.bytes);
    }
    const onnx = await site.vault.fetch(site.store, SECRETS.modelOnnx('small', 2));
    expect(Buffer.compare(onnx, writeOnnx(makeSmallGraph(1)))).toBe(0);
    const secretKey = await site.vault.fetch(site.store, SECRETS.modelSecretKey('small', 2));
    expect(secretKey.some((byte) => byte !== 0)).toBe(true);
    expect((await showModel(site, 'small')).listing).toContain('encrypt');
    await expect(showModel(site, 'small', 3)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('stops when it is told to, and keeps nothing', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const running = protectModel({
      site,
      network: onnxFile,
      signal: stop.signal,
      onProgress: (_, fraction) => fraction > 0.1 && stop.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
    expect(await site.store.models.list()).toEqual([]);
    expect(await site.store.secrets.identities()).not.toContain(SECRETS.modelSecretKey('small', 1));
  });

  it('names what it cannot read', async () => {
    const protect = (network: string, name?: string) =>
      protectModel({ site, network, ...(name === undefined ? {} : { name }) });
    await expect(protect(join(folder, 'nothing.onnx'))).rejects.toMatchObject({
      code: 'MODEL_UNREADABLE',
      message: expect.stringContaining('nothing.onnx'),
    });
    await expect(protect(onnxFile, 'Bad Name')).rejects.toMatchObject({ code: 'NAME_INVALID' });
    writeFileSync(join(folder, 'small.json'), JSON.stringify({ ...METADATA, labels: ['one'] }));
    await expect(protect(onnxFile)).rejects.toMatchObject({
      code: 'MODEL_UNREADABLE',
      message: expect.stringContaining('labels'),
    });
    rmSync(join(folder, 'small.json'));
    await expect(protect(onnxFile)).rejects.toMatchObject({ code: 'MODEL_UNREADABLE' });
    writeFileSync(join(folder, 'small.json'), JSON.stringify(METADATA));
    writeFileSync(onnxFile, 'this is not a network');
    await expect(protect(onnxFile)).rejects.toThrow();
    expect(await site.store.models.list()).toEqual([]);
  });
});
