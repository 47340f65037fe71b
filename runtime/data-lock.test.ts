import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lockData } from './data-lock.ts';

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

  it('takes over from a process that is gone, also where its number lives on', () => {
    const data = folder();
    writeFileSync(join(data, 'demo.lock'), `${process.pid} 1`);
    const unlock = lockData(data, 'demo');
    expect(readFileSync(join(data, 'demo.lock'), 'utf8')).not.toBe(`${process.pid} 1`);
    unlock();
    expect(readdirSync(data)).toEqual([]);
  });

  it('gives back its own lock only, and leaves nothing else behind', () => {
    const data = folder();
    const unlock = lockData(data, 'agent');
    expect(() => lockData(data, 'agent')).toThrow(expect.objectContaining({ code: 'DATA_IN_USE' }));
    expect(readdirSync(data)).toEqual(['agent.lock']);
    writeFileSync(join(data, 'agent.lock'), 'of another');
    unlock();
    expect(readFileSync(join(data, 'agent.lock'), 'utf8')).toBe('of another');
  });
});
