import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { initializeSite } from '#backend/operations/initialize-site.ts';
import { withSite } from '#backend/site-folder.ts';
import { Receiver } from '#backend/testing/receiver.ts';

let data: string;
let receiver: Receiver;
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'blindsight-channels-'));
  receiver = await Receiver.start();
  await initializeSite(data, 'yard', { brokerPort: 8883, apiPort: 0 });
});
afterAll(async () => {
  await receiver.close();
  rmSync(data, { recursive: true });
});

/** One call of the command line, as a process of its own. */
async function run(words: readonly string[], input = '') {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), ...words, '--data', data], {
    env: { ...process.env, SUDO_USER: 'carla' },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  child.stdin.on('error', () => undefined).end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

it('adds a channel from a file, and not from what is no YAML, tries it, and removes it; nothing secret is in lists and audit log', async () => {
  const file = join(data, 'hook.yaml');
  writeFileSync(
    file,
    `kind: webhook\nurl: ${receiver.url('/hook?token=secret-path')}\nallowPrivate: true\n`,
    { mode: 0o600 },
  );
  const added = await run(['channel', 'add', 'guard', file]);
  expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(/^blindsight_[\w-]{43}\n$/) });
  const wrong = await run(['channel', 'add', 'phone', '-'], 'kind: gotify\ntoken: [secret-token\n');
  expect(wrong.stderr).toMatch(/-:\d+:\d+: it is not YAML[\s\S]*code: CONFIG_INVALID/);
  expect(wrong.stderr).not.toContain('secret');

  expect(await run(['channel', 'test', 'guard'])).toMatchObject({
    code: 0,
    stdout: 'guard has taken the test\n',
  });
  expect(receiver.received).toMatchObject([{ path: '/hook?token=secret-path' }]);
  const list = await run(['channel', 'list']);
  expect(list.stdout).toMatch(/guard +webhook +http:\/\/localhost:\d+ +0 /);
  expect((await run(['channel', 'remove', 'guard'])).code).toBe(0);
  const audit = await run(['audit', 'list', '--json']);
  expect(audit.stdout).toContain('channel add');
  for (const { stdout } of [list, audit]) expect(stdout).not.toMatch(/secret-|blindsight_/);
});

it('lists alerts, and acknowledges one', async () => {
  const { alert } = await withSite(data, ({ store }) =>
    store.alerts.raise({
      ...{ rule: 'intruder', severity: 'critical', subject: { kind: 'camera', name: 'door' } },
      ...{ title: 'Someone at the \u001b[31mdoor', message: 'present', atMs: 1000, notify: [] },
    }),
  );
  expect((await run(['alert', 'list'])).stdout).toMatch(
    /critical +intruder +1970-01-01T00:00:01.000Z +lasts +Someone at the \?\[31mdoor\n/,
  );
  const taken = await run(['alert', 'acknowledge', String(alert.id)]);
  expect(taken).toMatchObject({ code: 0, stdout: expect.stringContaining('it still lasts') });
  const again = await run(['alert', 'acknowledge', String(alert.id)]);
  expect(again).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/carla acknowledged alert 1 at[\s\S]*code: ALERT_ACKNOWLEDGED/),
  });
  expect(JSON.parse((await run(['alert', 'list', '--all', '--json'])).stdout)).toMatchObject([
    { acknowledged: { by: 'carla' } },
  ]);
});
