import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-explain-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('explain', () => {
  it('ends at Ctrl-C while it measures, without a word of a defect', async () => {
    const child = spawn(process.execPath, [join(root, 'cli/main.ts'), 'explain', 'counter'], {
      cwd: root,
      env: { ...process.env, XDG_CACHE_HOME: folder },
    });
    let said = '';
    let shown = '';
    child.stdout.on('data', (text) => {
      shown += text;
    });
    child.stderr.on('data', (text) => {
      const before = said;
      said += text;
      if (said.includes('measuring this machine') && !before.includes('measuring this machine'))
        child.kill('SIGINT');
    });
    const [code] = await once(child, 'close');
    expect(said).toMatch(/^… measuring this machine at N = \d+\nstopped\n$/);
    expect({ code, shown }).toEqual({ code: 130, shown: '' });
  });
});
