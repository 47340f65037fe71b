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
  data = mkdtempSync(join(tmpdir(), 'blindsight-zones-'));
  await initializeSite(data, 'yard', { brokerPort: 8883, apiPort: 0 });
  await withSite(data, async (site) => {
    const box = { name: 'gate', outDirectory: join(data, 'gate'), brokerUrl: 'mqtts://localhost:8883' };
    await enrolGateway({ site, ...box });
    await site.store.cameras.claim('square', 'gate', 1);
  });
});
afterAll(() => rmSync(data, { recursive: true }));

async function zone(...words: string[]): Promise<string> {
  const line = [join(import.meta.dirname, '../main.ts'), 'camera', 'zone', ...words, '--data', data];
  return (await promisify(execFile)(process.execPath, line)).stdout;
}

it('draws, lists and removes zones by hand', async () => {
  expect(await zone('add', 'square', 'entrance', '0,0.5', '0.4,0.5', '0.4,1', '0,1')).toBe(
    'square has a zone entrance; its next answer counts in it\n',
  );
  expect(await zone('list')).toMatch(/square +entrance +0,0\.5 0\.4,0\.5 0\.4,1 0,1\n/);
  expect(JSON.parse(await zone('list', 'square', '--json'))).toMatchObject([
    {
      camera: 'square',
      name: 'entrance',
      corners: [
        [0, 0.5],
        [0.4, 0.5],
        [0.4, 1],
        [0, 1],
      ],
    },
  ]);
  await expect(zone('add', 'square', 'exit', '0,0', '1,0')).rejects.toThrow(
    /2 corners: 3 to 16 are needed[\s\S]*code: ZONE_INVALID/,
  );
  await expect(zone('add', 'square', 'exit', '0,0', '1', '1,1')).rejects.toThrow(/Expected x,y in fractions/);
  expect(await zone('remove', 'square', 'entrance')).toBe('square has no zone entrance any more\n');
});
