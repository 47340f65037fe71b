import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

describe('site backup and restore', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-backup-command-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function blindsight(...words: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), ...words]);
    return stdout;
  }

  it('say what is inside and what is not, check without writing, and make a site that commands work on', async () => {
    const [data, backup, key, fresh] = ['site', 'monday', 'key', 'new'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
      string,
    ];
    await blindsight('site', 'init', '--site', 'plaza', '--data', data);
    await blindsight('gateway', 'enrol', 'gate-1', '--data', data, '--out', join(folder, 'gate-1'));
    expect(await blindsight('site', 'backup', backup, '--data', data)).toContain(
      `The installation key is NOT included: without ${data}/installation.key`,
    );
    await blindsight('site', 'backup', `${backup}-2`, '--data', data, '--key-out', key);
    const verified = await blindsight('site', 'restore', backup, '--verify', '--installation-key', key);
    expect(verified).toMatch(/is complete: the site plaza[\s\S]*All \d+ secrets open/);
    const incomplete = await blindsight('site', 'restore', backup, '--data', fresh).catch((e) => e);
    expect(incomplete.stderr).toContain('give --data and --installation-key, or --verify');
    expect(existsSync(fresh)).toBe(false);
    const said = await blindsight('site', 'restore', backup, '--data', fresh, '--installation-key', key);
    expect(said).toContain('It accepts answers from: gate-1.');
    expect(await blindsight('gateway', 'list', '--data', fresh)).toContain('gate-1');
  });
});
