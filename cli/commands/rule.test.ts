import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enrolGateway } from '#backend/operations/enrol-gateway.ts';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { withSite } from '#backend/site-folder.ts';
import { classed, settledAnswer } from '#backend/testing/settled-answer.ts';

let data: string;
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'blindsight-rules-'));
  await initializeSite(data, 'yard', { brokerPort: 8883, apiPort: 0 });
  await withSite(data, async (site) => {
    const box = { name: 'gate', outDirectory: join(data, 'gate'), brokerUrl: 'mqtts://localhost:8883' };
    await enrolGateway({ site, ...box });
    await site.store.cameras.claim('door', 'gate', 1);
    const beginMs = Date.now() - 600_000;
    await site.store.transaction(async (store) => {
      for (let second = 0; second < 300; second += 5) {
        const said = classed(second >= 100 && second < 200 ? 'present' : 'absent');
        const answer = settledAnswer(said, { sequence: second + 1, frameMs: beginMs + second * 1000 });
        await store.results.add({ ...answer, digest: 'd'.repeat(64) });
      }
    });
  });
});
afterAll(() => rmSync(data, { recursive: true }));

async function rule(...words: string[]): Promise<string> {
  const line = [join(import.meta.dirname, '../main.ts'), 'rule', ...words, '--data', data];
  return (await promisify(execFile)(process.execPath, line)).stdout;
}

it('adds, tests, lists and removes rules by hand', async () => {
  const night = ['--camera', 'door', '--for', '30s', '--cool-down', '10m', '--severity', 'critical'];
  expect(await rule('add', 'night', ...night)).toBe('rule night counts: anything at door for 30 s, always\n');
  expect(await rule('test', 'night')).toMatch(
    /^60 answers from \S+ to \S+\nit would have been raised once\nRAISED +ENDED +WHERE\n\S+ +\S+ +door\n$/,
  );
  await expect(rule('add', 'far', '--camera', 'dor', '--from', '22:00', '--to', '06:00')).rejects.toThrow(
    /no gateway has a camera dor; there are: door[\s\S]*code: RULE_DOUBTFUL/,
  );
  const file = join(data, 'cut.json');
  writeFileSync(file, await rule('show', 'night'));
  await rule('add', 'day', '--file', file);
  expect(await rule('list')).toMatch(
    /RULE +ON +SEVERITY +WHEN +COUNTS +TELLS\nday +yes +critical +anything at door for 30 s +always +-\nnight +yes /,
  );
  expect(await rule('remove', 'night')).toBe('there is no rule night any more\n');
});
