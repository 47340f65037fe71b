import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lockData } from './data-lock.ts';
import { mountSmallDisk, NO_MOUNT } from './testing/small-disk.ts';

describe('lockData', () => {
  const folders: string[] = [];
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'blindsight-lock-'));
    folders.push(made);
    return made;
  };
  afterAll(() => {
    for (const made of folders) rmSync(made, { recursive: true });
  });

  it('refuses a folder that a living process holds, and gives it back', () => {
    const data = folder();
    const unlock = lockData(data, 'agent');
    expect(() => lockData(data, 'agent')).toThrow(expect.objectContaining({ code: 'DATA_IN_USE' }));
    lockData(data, 'backend')();
    unlock();
    lockData(data, 'agent')();
  });

  it.each(['a lock', 'a lock of a version before'])(
    'takes over %s from a process that is gone, also where its number lives on',
    (kind) => {
      const data = folder();
      const file = join(data, 'demo.lock');
      if (kind === 'a lock') symlinkSync(`${process.pid} 1`, file);
      else writeFileSync(file, `${process.pid} 1`);
      const unlock = lockData(data, 'demo');
      expect(readlinkSync(file)).toMatch(new RegExp(`^${process.pid} \\d{2,}$`));
      unlock();
      expect(readdirSync(data)).toEqual([]);
    },
  );

  it('refuses a folder that a living process of a version before holds', () => {
    const data = folder();
    const unlock = lockData(data, 'agent');
    const holder = readlinkSync(join(data, 'agent.lock'));
    unlock();
    writeFileSync(join(data, 'agent.lock'), holder);
    expect(() => lockData(data, 'agent')).toThrow(expect.objectContaining({ code: 'DATA_IN_USE' }));
  });

  it('takes a folder, also over from a process that is gone, on a full disk', ({ skip }) => {
    const disk = mountSmallDisk(1);
    if (disk === null) return skip(NO_MOUNT);
    try {
      symlinkSync('1 1', join(disk.folder, 'agent.lock'));
      disk.fill();
      const unlock = lockData(disk.folder, 'agent');
      expect(() => lockData(disk.folder, 'agent')).toThrow(expect.objectContaining({ code: 'DATA_IN_USE' }));
      unlock();
      lockData(disk.folder, 'agent')();
    } finally {
      disk.unmount();
    }
  });

  it('gives back its own lock only, and leaves nothing else behind', () => {
    const data = folder();
    const unlock = lockData(data, 'agent');
    expect(() => lockData(data, 'agent')).toThrow(expect.objectContaining({ code: 'DATA_IN_USE' }));
    expect(readdirSync(data)).toEqual(['agent.lock']);
    rmSync(join(data, 'agent.lock'));
    writeFileSync(join(data, 'agent.lock'), 'of another');
    unlock();
    expect(readFileSync(join(data, 'agent.lock'), 'utf8')).toBe('of another');
  });
});
