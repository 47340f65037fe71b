import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

/** {@link checkOutput} by a user who may read what everybody may, and write nothing. @returns the error message. */
async function checkAsNobody(out: string): Promise<string> {
  const script = `
    const { checkOutput } = await import(${JSON.stringify(new URL('check-output.ts', import.meta.url).href)});
    // After the import: only root may be able to read this repository.
    process.setgid(65534);
    process.setuid(65534);
    await checkOutput(${JSON.stringify(out)}, 'two-shades');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  child.stderr.on('data', (bytes) => {
    told += bytes;
  });
  await once(child, 'close');
  return told;
}

// Root may write everywhere, and only root can become another user.
describe.skipIf(process.getuid?.() !== 0)(
  'a folder for a network, for a user who must not write there (needs root)',
  () => {
    it.each([
      ['a folder that is there', 'given'],
      ['a folder below it', 'given/below'],
    ])('is refused where it is %s', async (_, out) => {
      const given = await mkdtemp(join(tmpdir(), 'read-only-'));
      onTestFinished(() => rm(given, { recursive: true }));
      await chmod(given, 0o755);
      const where = out.replace('given', given);
      const told = await checkAsNobody(where);
      expect(told).toMatch(/NETWORK_TRAINING/);
      expect(told).toContain(`${where} cannot be written to (EACCES`);
      expect(told).toContain('give another folder with --out');
    });
  },
);
