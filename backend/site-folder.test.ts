import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withSite } from './site-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-site-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const open = () =>
  withSite(folder, async () => 'opened').catch((error: { code: string; message: string }) => error);

describe('withSite', () => {
  it('sends root to the user of the site before it reads or writes anything there', async () => {
    const file = join(folder, 'backend.yaml');
    await writeFile(file, 'site: north\n', { mode: 0o600 });
    if (process.geteuid?.() === 0) await chown(file, 65534, 65534);
    else vi.spyOn(process, 'geteuid').mockReturnValue(0);
    expect(await open()).toMatchObject({
      code: 'WRONG_USER',
      message: expect.stringMatching(/ runs as root: run the same command with sudo -u \S+$/),
    });
  });

  it('says where there is no site', async () => {
    expect(await open()).toMatchObject({ code: 'SITE_MISSING', message: `${folder} does not hold a site` });
  });
});
