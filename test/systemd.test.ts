import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGES } from '../deploy/package/contents.ts';
import { readSource } from './source-files.ts';

const run = promisify(execFile);
const UNITS = [
  'blindsight-agent',
  'blindsight-backend',
  'blindsight-broker',
  'blindsight-auditor',
  'blindsight-role@',
  'blindsight-decryptor@',
];
/** Processes of the backend that have some of its roles. */
const ROLES: Readonly<Record<string, string>> = {
  'blindsight-role@': ' --role %i',
  'blindsight-decryptor@': ' --role decryptor',
};

/** systemd-analyze's exposure: 0 is safest, 10 is none; what remains is the network, /proc and systemd-notify. */
const MAX_EXPOSURE = 2;

describe('systemd units', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-units-'));
    for (const unit of UNITS) {
      // Only installing puts the program where the unit looks for it.
      const text = readSource(`deploy/systemd/${unit}.service`).replace(
        /^ExecStart=\S+/m,
        'ExecStart=/bin/true',
      );
      writeFileSync(join(folder, `${unit}.service`), text);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(UNITS)('%s passes systemd-analyze verify without a word', async (unit) => {
    const { stdout, stderr } = await run('systemd-analyze', [
      'verify',
      '--man=no',
      join(folder, `${unit}.service`),
    ]);
    expect(stdout + stderr).toBe('');
  });

  it.each(UNITS)('%s is sandboxed', async (unit) => {
    const { stdout } = await run('systemd-analyze', [
      'security',
      '--offline=yes',
      '--no-pager',
      join(folder, `${unit}.service`),
    ]);
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
    expect(exposure).toBeLessThanOrEqual(MAX_EXPOSURE);
  });

  it.each(UNITS)('%s starts what the installer installs, and lets V8 compile', (unit) => {
    const text = readSource(`deploy/systemd/${unit}.service`);
    const daemon = unit in ROLES ? 'backend' : unit.replace('blindsight-', '');
    const { prefix } = PACKAGES.find(({ units }) => units.includes(`${unit}.service`))!;
    // The launcher chooses among the program of the package and its updates.
    const command = daemon === 'agent' ? 'launch-agent' : `blindsight ${daemon}`;
    // An auditor has no settings but where its backend is, and its token.
    const options =
      daemon === 'auditor'
        ? String.raw`--url \$\{BACKEND\} --token-file \$\{CREDENTIALS_DIRECTORY\}/token --data /\S+`
        : String.raw`--config /\S+${ROLES[unit] ?? ''}`;
    expect(text).toMatch(new RegExp(`^ExecStart=${prefix}/bin/${command} ${options}$`, 'm'));
    expect(text).toContain('Type=notify\n');
    expect(text).toMatch(/^WatchdogSec=\d+$/m);
    expect(text).toMatch(/^LoadCredential=\S+:\//m);
    expect(text).not.toMatch(/^MemoryDenyWriteExecute=/m);
  });

  it.each(Object.keys(ROLES))(
    '%s, wherever one runs, is another program after an upgrade, and none after removal',
    (unit) => {
      const command = (script: string, verb: string) =>
        new RegExp(`^ +systemctl ${verb} (.*)$`, 'm').exec(
          readSource(`deploy/package/scripts/site.${script}`),
        );
      expect(command('postinst', 'try-restart')?.[1]).toContain(`'${unit}*.service'`);
      expect(command('prerm', 'stop')?.[1]).toContain(`'${unit}*.service'`);
    },
  );

  it('lets an edited agent.yaml be read again by a reload, without an end of the gateway', () =>
    expect(readSource('deploy/systemd/blindsight-agent.service')).toMatch(
      /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m,
    ));

  it.each(UNITS)('%s has a user and a folder of its own, and a key that root keeps for it', (unit) => {
    const text = readSource(`deploy/systemd/${unit}.service`);
    // The processes of the backend have one between them.
    const owner = unit in ROLES ? 'blindsight-backend' : unit;
    expect(text).toMatch(new RegExp(`^User=${owner}$`, 'm'));
    expect(text).toMatch(new RegExp(`^StateDirectory=${owner}\nStateDirectoryMode=0700$`, 'm'));
    const keys = [...text.matchAll(/^LoadCredential=\S+?:(\S+)$/gm)].map(([, file]) => file);
    expect(keys).not.toEqual([]);
    for (const file of keys) expect(file).toMatch(/^\/etc\/blindsight\//);
    const writes = [...text.matchAll(/^ReadWritePaths=(.*)$/gm)].map(([, paths]) => paths);
    expect(writes).toEqual(owner === 'blindsight-backend' ? ['/var/lib/blindsight-for-broker'] : []);
  });
});
