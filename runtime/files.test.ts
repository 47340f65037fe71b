import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ERRORS } from '#protocol/errors.ts';
import { ensureDirectory, readSecretFile, writeFileAtomic } from './files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-files-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('writeFileAtomic', () => {
  it('replaces content and mode and leaves nothing beside it', async () => {
    const path = join(folder, 'a.json');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, new Uint8Array([116, 119, 111]), { mode: 0o600 });
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await modeOf(path)).toBe(0o600);
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  it('gives the mode asked whatever the umask is', async () => {
    const before = process.umask(0o077);
    try {
      await writeFileAtomic(join(folder, 'open'), 'x', { mode: 0o644 });
    } finally {
      process.umask(before);
    }
    expect(await modeOf(join(folder, 'open'))).toBe(0o644);
  });

  it('keeps the old file and no temporary one when it fails', async () => {
    const path = join(folder, 'taken');
    await mkdir(join(path, 'inner'), { recursive: true });
    await expect(writeFileAtomic(path, 'x')).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['taken']);
  });

  it('never shows a reader half of a file', async () => {
    const path = join(folder, 'big');
    const versions = ['a', 'b'].map((letter) => letter.repeat(1_000_000));
    await writeFileAtomic(path, versions[0]!);
    let writing = true;
    const write = (async () => {
      for (let i = 1; i <= 20; i++) await writeFileAtomic(path, versions[i % 2]!);
      writing = false;
    })();
    while (writing) expect(versions).toContain(await readFile(path, 'utf8'));
    await write;
  });
});

describe('ensureDirectory', () => {
  it('makes parents, private by default, and is content with what is there', async () => {
    const path = join(folder, 'x', 'y');
    await ensureDirectory(path);
    await ensureDirectory(path);
    expect(await modeOf(path)).toBe(0o700);
  });
});

describe('readSecretFile', () => {
  it.each([0o600, 0o400])('reads a private file (%o)', async (mode) => {
    const path = join(folder, 'key');
    await writeFile(path, 's3cret');
    await chmod(path, mode);
    expect((await readSecretFile(path)).toString()).toBe('s3cret');
  });

  it.each([0o640, 0o604, 0o644, 0o620, 0o610])(
    'refuses mode %o, names the file, never its content',
    async (mode) => {
      const path = join(folder, 'key');
      await writeFile(path, 's3cret');
      await chmod(path, mode);
      const error = await readSecretFile(path).catch((caught: Error) => caught);
      expect(error).toMatchObject({ code: 'SECRET_EXPOSED' });
      expect(String(error)).toContain(path);
      expect(String(error)).not.toContain('s3cret');
    },
  );

  it('allows the group bit of a systemd credential, but not the world', async () => {
    const path = join(folder, 'key');
    vi.stubEnv('CREDENTIALS_DIRECTORY', folder);
    await writeFile(path, 's3cret');
    await chmod(path, 0o440);
    expect((await readSecretFile(path)).toString()).toBe('s3cret');
    await chmod(path, 0o444);
    await expect(readSecretFile(path)).rejects.toMatchObject({ code: 'SECRET_EXPOSED' });
  });

  it('sends who is not the owner to the right user, and says nothing of modes', async () => {
    const path = join(folder, 'key');
    await writeFile(path, 's3cret', { mode: 0o600 });
    // Root can give the file away; others can only be taken for root.
    if (process.geteuid?.() === 0) await chown(path, 65534, 65534);
    else vi.spyOn(process, 'geteuid').mockReturnValue(0);
    const error = await readSecretFile(path).catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: 'WRONG_USER' });
    expect(String(error)).toMatch(/key belongs to user (\S+), but this runs as root: .* sudo -u '?\1'?$/);
    expect(ERRORS.WRONG_USER.action).not.toMatch(/chmod|chown/);
  });

  it('says which file is missing', async () => {
    await expect(readSecretFile(join(folder, 'none'))).rejects.toThrow(/cannot read .*none/);
    await expect(readSecretFile(folder)).rejects.toMatchObject({
      code: expect.stringMatching(/SECRET|FILE/),
    });
  });
});
