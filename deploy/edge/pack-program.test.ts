import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readContents, unpackArchive } from '#runtime/software-archive.ts';
import { packProgram } from './pack-program.ts';

let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'blindsight-pack-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

const FILES: Readonly<Record<string, string>> = {
  'package.json': '{"name":"blindsight","version":"1.2.3"}',
  'bin/blindsight': '#!/bin/sh\n',
  'agent/a.ts': 'export {};\n',
  'node_modules/@scope/b/empty.js': '',
};
const EXECUTABLE = 'bin/blindsight';
const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');
const archive = () => join(scratch, 'release.tar.gz');

/** A program's folder; times and modes of no meaning differ from one to the next. */
function program(name: string, files = FILES, order = Object.keys(files)): string {
  const folder = join(scratch, name);
  for (const path of order) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, files[path]!);
    chmodSync(file, path === EXECUTABLE ? 0o700 + order.indexOf(path) : 0o640 + order.indexOf(path));
    utimesSync(file, order.indexOf(path), 1000 + order.indexOf(path));
  }
  return folder;
}

/** An archive made by hand, which need not be one that packs well. */
function forge(entries: readonly { header: Record<string, unknown>; data?: string }[]): string {
  const blocks = entries.map(({ header, data = '' }) => {
    const block = Buffer.alloc(512);
    new Header({ mode: 0o644, size: data.length, type: 'File', mtime: new Date(0), ...header }).encode(block);
    return Buffer.concat([block, Buffer.from(data), Buffer.alloc((512 - (data.length % 512)) % 512)]);
  });
  writeFileSync(archive(), gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)])));
  return archive();
}

function contentsOf(files: Readonly<Record<string, string>>): string {
  const described = Object.entries(files).map(([path, data]) => [
    path,
    { bytes: data.length, sha256: sha256(data), executable: path === EXECUTABLE },
  ]);
  return JSON.stringify({
    schema: 1,
    version: '1.2.3',
    platform: 'linux-x64',
    files: Object.fromEntries(described),
  });
}

async function unpack(contents?: string): Promise<unknown> {
  const target = join(scratch, 'target');
  mkdirSync(target);
  return await unpackArchive(archive(), target, sha256(contents ?? ''), () => {});
}

describe('the archive of a release', () => {
  it('is the same, byte for byte, for the same files', async () => {
    const first = await packProgram(program('one'), archive(), 'linux-x64');
    const bytes = readFileSync(archive());
    const other = program('other', FILES, Object.keys(FILES).reverse());
    expect(await packProgram(other, archive(), 'linux-x64')).toEqual(first);
    expect(readFileSync(archive())).toEqual(bytes);
    expect(first).toEqual({ bytes: bytes.length, sha256: sha256(bytes), version: '1.2.3' });
  });

  it('unpacks to exactly these files, with modes that mean something', async () => {
    await packProgram(program('one'), archive(), 'linux-arm64');
    const { contents, bytes } = await readContents(archive());
    expect(contents).toMatchObject({ version: '1.2.3', platform: 'linux-arm64' });
    const target = join(scratch, 'target');
    mkdirSync(target);
    await unpackArchive(archive(), target, sha256(bytes), () => {});
    for (const [path, data] of Object.entries(FILES)) {
      expect(readFileSync(join(target, path), 'utf8'), path).toBe(data);
      expect(statSync(join(target, path)).mode & 0o777, path).toBe(path === EXECUTABLE ? 0o755 : 0o644);
    }
    const names = readdirSync(target, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
    expect(names).toHaveLength(Object.keys(FILES).length + 1);
  });

  it('is not made of what a gateway would not take', async () => {
    const folder = program('one', { ...FILES, 'bad\nname': '' });
    await expect(packProgram(folder, archive(), 'linux-x64')).rejects.toMatchObject({
      code: 'SOFTWARE_INVALID',
    });
    rmSync(join(folder, 'bad\nname'));
    symlinkSync('/etc/hostname', join(folder, 'link'));
    await packProgram(folder, archive(), 'linux-x64').catch(() => {});
    await expect(unpack(readFileSync(join(folder, 'RELEASE.json'), 'utf8'))).rejects.toMatchObject({
      code: 'SOFTWARE_INVALID',
    });
  });
});

/** Whatever its owner signed, by mistake or not: nothing leaves the folder, and it ends. */
describe('an archive that is none', () => {
  const good = { 'package.json': '{}', [EXECUTABLE]: '#!/bin/sh\n' };
  const listed = contentsOf(good);
  const first = { header: { path: 'RELEASE.json' }, data: listed };
  const rest = Object.entries(good).map(([path, data]) => ({ header: { path }, data }));

  it.each([
    ['a path that leads out', { header: { path: '../out' }, data: 'x' }],
    ['an absolute path', { header: { path: '/tmp/blindsight-out' }, data: 'x' }],
    ['a link', { header: { path: 'package.json', type: 'SymbolicLink', linkpath: '/etc/passwd' } }],
    ['a hard link', { header: { path: 'package.json', type: 'Link', linkpath: '/etc/passwd' } }],
    ['a device', { header: { path: 'package.json', type: 'CharacterDevice', devmaj: 1, devmin: 3 } }],
    ['a file that is not in its list', { header: { path: 'more' }, data: 'x' }],
    ['a file of another size', { header: { path: 'package.json' }, data: '{ }' }],
    ['a file twice', rest[0]!],
    ['a folder', { header: { path: 'folder', type: 'Directory' } }],
  ])('with %s is refused', async (_, entry) => {
    forge([first, ...(entry === rest[0] ? [entry] : []), entry, ...rest]);
    await expect(unpack(listed)).rejects.toMatchObject({ code: 'SOFTWARE_INVALID' });
    expect(existsSync(join(scratch, 'out'))).toBe(false);
    expect(existsSync('/tmp/blindsight-out')).toBe(false);
  });

  it.each([
    ['../out', 'x'],
    ['/tmp/blindsight-out', 'x'],
    ['a/./b', 'x'],
    ['a//b', 'x'],
    ['RELEASE.json', 'x'],
    ['a\u0000b', 'x'],
  ])('whose list names %j is refused', async (path, data) => {
    const contents = contentsOf({ ...good, [path]: data });
    forge([{ header: { path: 'RELEASE.json' }, data: contents }, ...rest]);
    await expect(unpack(contents)).rejects.toMatchObject({ code: 'SOFTWARE_INVALID' });
  });

  it('with a changed byte in a file, or in its list, is refused as damaged', async () => {
    forge([first, rest[0]!, { header: { path: EXECUTABLE }, data: '#!/bin/ah\n' }]);
    await expect(unpack(listed)).rejects.toMatchObject({ code: 'SOFTWARE_DIGEST' });
    rmSync(join(scratch, 'target'), { recursive: true });
    forge([first, ...rest]);
    await expect(unpack(`${listed} `)).rejects.toMatchObject({ code: 'SOFTWARE_DIGEST' });
  });

  it('that lacks a file, ends early, or is no archive at all is refused', async () => {
    forge([first, rest[0]!]);
    await expect(unpack(listed)).rejects.toMatchObject({ code: 'SOFTWARE_INVALID' });
    forge([first, ...rest]);
    const whole = readFileSync(archive());
    for (const bytes of [
      whole.subarray(0, whole.length - 20),
      whole.subarray(0, 9),
      Buffer.from('PK'),
      Buffer.alloc(0),
    ]) {
      rmSync(join(scratch, 'target'), { recursive: true, force: true });
      writeFileSync(archive(), bytes);
      await expect(unpack(listed), `${bytes.length} bytes`).rejects.toMatchObject({
        code: 'SOFTWARE_INVALID',
      });
    }
  });

  it('that swells is ended at what its list says', async () => {
    forge([first, ...rest]);
    const swollen = Buffer.concat([readFileSync(archive()), gzipSync(Buffer.alloc(50e6))]);
    writeFileSync(archive(), swollen);
    await expect(unpack(listed)).rejects.toMatchObject({ code: 'SOFTWARE_INVALID' });
    rmSync(join(scratch, 'target'), { recursive: true });
    // Another archive inside of this one, which a reader could take for more of the same.
    const inner = readFileSync(archive());
    writeFileSync(archive(), gzipSync(inner));
    await expect(unpack(listed)).rejects.toMatchObject({ code: 'SOFTWARE_INVALID' });
    rmSync(join(scratch, 'target'), { recursive: true });
    const huge = JSON.stringify({ ...JSON.parse(listed), pad: 'x'.repeat(9e6) });
    forge([{ header: { path: 'RELEASE.json' }, data: huge }, ...rest]);
    await expect(unpack(huge)).rejects.toMatchObject({ code: 'SOFTWARE_INVALID' });
    await expect(readContents(archive())).rejects.toMatchObject({ code: 'SOFTWARE_INVALID' });
  });

  it('is not unpacked where the caller does not admit it', async () => {
    forge([first, ...rest]);
    const target = join(scratch, 'target');
    mkdirSync(target);
    const refusal = new Error('no room');
    const refused = unpackArchive(archive(), target, sha256(listed), () => {
      throw refusal;
    });
    await expect(refused).rejects.toThrow('no room');
    expect(readdirSync(target)).toEqual([]);
  });
});
