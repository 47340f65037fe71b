import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { withSite } from '#backend/site-folder.ts';
import type { Result } from '#protocol/messages.ts';

const NOON = Date.UTC(2026, 2, 29, 12);

let data: string;
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'blindsight-export-'));
  await initializeSite(data, 'yard', { brokerPort: 8883, apiPort: 0 });
  await withSite(data, async ({ store }) => {
    const result = { camera: 'door', model: 'counter', modelVersion: 1, label: 'present' } as Result;
    for (const sequence of [0, 1]) {
      const place = { gateway: 'gate', session: 1, sequence, digest: '', model: 'counter', version: 1 };
      const times = { frameMs: NOON + sequence, storedMs: NOON };
      await store.results.add({ ...place, ...times, camera: 'door', withheld: null, results: [result] });
    }
    await store.gateways.add({
      ...{ name: 'gate', signingKey: '', certificateSerial: '', certificateEndMs: 0, enrolledMs: 0 },
    });
    await store.cameras.claim('door', 'gate', 1);
  });
});
afterAll(() => rmSync(data, { recursive: true }));

async function run(...words: string[]): Promise<string> {
  const line = [join(import.meta.dirname, '../main.ts'), 'history', 'export', ...words, '--data', data];
  return (await promisify(execFile)(process.execPath, line)).stdout;
}

it('writes what a camera answered to a file or to stdout, and over nothing', async () => {
  const file = join(data, 'door.csv');
  expect(await run('door', '--from', '2026-03-29', '--to', '2026-03-30', '--out', file)).toBe('');
  expect(readFileSync(file, 'utf8').split('\r\n')).toEqual([
    'time,camera,region,gateway,session,sequence,model,version,withheld,answer,values',
    '2026-03-29T12:00:00.000Z,door,,gate,1,0,counter,1,,present,"{""present"":1}"',
    '2026-03-29T12:00:00.001Z,door,,gate,1,1,counter,1,,present,"{""present"":1}"',
    '',
  ]);
  await expect(run('door', '--out', file)).rejects.toThrow(/code: OUTPUT_EXISTS/);
  expect(JSON.parse(await run('door', '--format', 'json'))).toEqual([]);
  await expect(run('nobody')).rejects.toThrow(/no gateway has a camera nobody[\s\S]*code: CAMERA_NOT_FOUND/);
});
