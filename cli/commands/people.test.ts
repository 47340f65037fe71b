import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditActView } from '#protocol/api.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const PASSWORD = 'four words that fit';

let folder: string;
let data: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'blindsight-people-'));
  data = join(folder, 'site');
  expect(await run(['site', 'init', '--site', 'yard'])).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(folder, { recursive: true }));

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** One call of the command line for the site, as a process of its own. */
async function run(words: readonly string[], input = ''): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...words, '--data', data], {
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

const acts = async (): Promise<AuditActView[]> =>
  JSON.parse((await run(['audit', 'list', '--json'])).stdout) as AuditActView[];

describe('people, tokens and the audit log on the command line', () => {
  it('gives accounts and tokens, tells who has them, takes them away, and notes it all', async () => {
    const added = await run(['person', 'add', 'anna', '--role', 'owner'], `${PASSWORD}\n`);
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('This is the first account') });
    expect(await run(['person', 'add', 'bert', '--role', 'viewer'], 'short\n')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('code: PASSWORD_WEAK'),
    });
    expect(await run(['person', 'role', 'anna', '--role', 'operator'])).toMatchObject({ code: 0 });
    const token = await run(['token', 'add', 'dash', '--role', 'integrator', '--days', '365']);
    expect(token.stdout).toMatch(/^blindsight_[\w-]{43}\n$/);
    expect(JSON.parse((await run(['person', 'list', '--json'])).stdout)).toMatchObject([
      { name: 'anna', role: 'operator' },
    ]);
    expect((await run(['token', 'list'])).stdout).toMatch(
      /dash +integrator +\d{4}-\d\d-\d\d +\d{4}-\d\d-\d\d\n/,
    );
    expect(await run(['token', 'revoke', 'nothing'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('code: TOKEN_NOT_FOUND'),
    });
    expect(await run(['token', 'revoke', 'dash'])).toMatchObject({ code: 0 });

    const noted = (await acts()).reverse();
    expect(noted.map(({ act, subject, outcome }) => [act, subject, outcome].join(' | '))).toEqual([
      'site init |  | ok',
      'person add | anna | ok',
      'person add | bert | PASSWORD_WEAK',
      'person role | anna | ok',
      'token add | dash | ok',
      'token revoke | nothing | TOKEN_NOT_FOUND',
      'token revoke | dash | ok',
    ]);
    const details = { role: 'integrator', days: 365, uid: userInfo().uid };
    expect(noted[4]).toMatchObject({ actor: 'carla', role: 'owner', door: 'cli', details });
    const file = readFileSync(join(data, 'blindsight.db')).toString('latin1');
    for (const secret of [PASSWORD, token.stdout.trim()]) {
      expect(JSON.stringify(noted)).not.toContain(secret);
      expect(file).not.toContain(secret);
    }
  });

  it('asks for a password twice on a terminal, and shows neither', async () => {
    const words = [process.execPath, MAIN, 'person', 'password', 'anna', '--data', data];
    const terminal = spawn('script', ['--quiet', '--return', '--command', words.join(' '), '/dev/null']);
    let shown = '';
    const until = async (text: string) => {
      while (!shown.includes(text)) await once(terminal.stdout, 'data');
    };
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    const closed = once(terminal, 'close');
    await until('Password for anna: ');
    terminal.stdin.write('some other wordx\x7fs\r');
    await until('Once more: ');
    terminal.stdin.write('some other words\r');
    expect((await closed)[0]).toBe(0);
    expect(shown).toContain('anna has a new password');
    expect(shown).not.toContain('other');
  });

  it('tells programs a token as JSON, and who removes the last account that nobody can log in', async () => {
    const made = await run(['token', 'add', 'node-red', '--role', 'viewer', '--json']);
    expect(JSON.parse(made.stdout)).toEqual({
      name: 'node-red',
      role: 'viewer',
      token: expect.stringMatching(/^blindsight_[\w-]{43}$/),
    });
    expect(await run(['person', 'remove', 'anna'])).toMatchObject({
      code: 0,
      stdout: 'anna cannot log in any more.\n',
      stderr: expect.stringContaining('Nobody has an account now'),
    });
  });

  it('finds what somebody changed in the database, says what, and ends with 3', async () => {
    const whole = await run(['audit', 'verify']);
    expect(whole).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^All \d+ entries are as they were/),
    });
    const [, noted = ''] = /keep elsewhere: (\S+)\n$/.exec(whole.stdout) ?? [];
    const other = noted.replace(/.$/, noted.endsWith('0') ? '1' : '0');
    const expected = await run(['audit', 'verify', '--expect', other]);
    expect(expected).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('was rewritten at or before'),
    });
    const database = new DatabaseSync(join(data, 'blindsight.db'));
    database.exec("DROP TRIGGER audit_no_update; UPDATE audit SET actor = 'somebody' WHERE seq = 4");
    database.close();
    const json = await run(['audit', 'verify', '--json']);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({
      damage: { kind: 'changed', seq: 4, message: 'entry 4 was changed' },
    });
  });
});
