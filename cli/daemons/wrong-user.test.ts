import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { initializeSite } from '#backend/operations/initialize-site.ts';

const MAIN = join(import.meta.dirname, '..', 'main.ts');
const NOBODY = 65_534;

// Only root can give a site away.
describe.skipIf(process.getuid?.() !== 0)(
  'a daemon that root starts by hand on the site of another user (needs root)',
  () => {
    it.each(['broker', 'backend'])('%s is sent to that user, and leaves nothing behind', async (name) => {
      const folder = mkdtempSync(join(tmpdir(), 'blindsight-user-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const site = await initializeSite(join(folder, 'site'), 'yard', {});
      const entries = () => readdirSync(join(folder, 'site'), { recursive: true }).map(String).sort();
      const before = entries();
      for (const path of ['.', ...before]) chownSync(join(folder, 'site', path), NOBODY, NOBODY);
      const config = name === 'broker' ? site.brokerConfigFile : site.configFile;
      const told = await new Promise<string>((resolve) =>
        execFile(process.execPath, [MAIN, name, '--config', config], (_, stdout, stderr) =>
          resolve(stdout + stderr),
        ),
      );
      expect(told).toMatch(/belongs to user \S+, but this runs as root: .*sudo -u[\s\S]*WRONG_USER/);
      expect(entries()).toEqual(before);
    });
  },
);
