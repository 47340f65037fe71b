import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { withSite } from '#backend/site-folder.ts';

let data: string;
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'blindsight-names-'));
  await initializeSite(data, 'yard', { brokerPort: 8883, apiPort: 0 });
  await withSite(data, async (site) => {
    const box = { name: 'gate', outDirectory: join(data, 'gate'), brokerUrl: 'mqtts://localhost:8883' };
    await enrolGateway({ site, ...box });
    await site.store.cameras.claim('cam-17', 'gate', 1);
  });
});
afterAll(() => rmSync(data, { recursive: true }));

async function camera(...words: string[]): Promise<string> {
  const line = [join(import.meta.dirname, '../main.ts'), 'camera', ...words, '--data', data];
  return (await promisify(execFile)(process.execPath, line)).stdout;
}

it('calls a camera as people do, and puts it into groups', async () => {
  expect(await camera('name', 'cam-17', 'Nordtor, Oberdeck')).toBe('cam-17 is called Nordtor, Oberdeck\n');
  expect(await camera('group', 'cam-17', 'North', 'Gates')).toBe('cam-17 is in Gates, North\n');
  const named = await withSite(data, ({ store }) => store.cameraNames.of('cam-17'));
  expect(named).toEqual({ displayName: 'Nordtor, Oberdeck', groups: ['Gates', 'North'] });
  await expect(camera('name', 'cam-18', 'Tor')).rejects.toThrow(/code: CAMERA_NOT_FOUND/);
});
