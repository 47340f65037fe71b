import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { findModel } from '../operations/models.ts';
import { keepNetwork } from '../protection/keep-network.ts';
import { makeTestSite, type TestSite } from '../testing/test-site.ts';
import { makeTinyNetwork } from '../testing/tiny-network.ts';
import { Decryptor } from './decryptor.ts';

const BREAKING = new URL('../testing/breaking-decrypt-thread.ts', import.meta.url);
const FIRST = { model: 'tiny', version: 1, number: 1 };

let site: TestSite;
let folder: string;
beforeEach(async () => {
  site = await makeTestSite();
  folder = mkdtempSync(join(tmpdir(), 'blindsight-broken-'));
  vi.stubEnv('BLINDSIGHT_BROKEN', join(folder, 'broken'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
  await site.close();
});

it('refuses no answer because SEAL was aborted, and decrypts it in another thread', async () => {
  const network = await makeTinyNetwork();
  await keepNetwork(site, 'tiny', network.protectedNetwork, 1);
  const model = await findModel(site, 'tiny');
  const decryptor = new Decryptor(site, { threads: 1, script: BREAKING });
  const decrypt = () => decryptor.decrypt(model, FIRST, network.answer([0.2, 0.9]));
  const [one, other] = await Promise.allSettled([decrypt(), decrypt()]);
  expect(existsSync(join(folder, 'broken'))).toBe(true);
  // Neither says anything about the answer: both come again.
  for (const outcome of [one, other])
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'WORKER_FAILED' } });
  expect(await decrypt()).toMatchObject({ kind: 'answer', answers: [{ label: 'occupied' }] });
  await decryptor.close();
  await network.close();
});
