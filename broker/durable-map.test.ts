import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { DurableMap } from './durable-map.ts';

let folder: string;
let path: string;
const lines: string[] = [];
const log = createLogger({
  name: 'test',
  level: 'info',
  format: 'json',
  destination: { write: (line) => lines.push(line) },
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blindsight-map-'));
  path = join(folder, 'messages.log');
  lines.length = 0;
});
afterEach(() => rm(folder, { recursive: true }));

const text = (value: string) => new TextEncoder().encode(value);
const contents = (map: DurableMap) =>
  Object.fromEntries([...map.entries].map(([key, value]) => [key, Buffer.from(value).toString()]));

describe('DurableMap', () => {
  it('has everything again that was set, although it was never closed', async () => {
    const map = await DurableMap.open(path, log);
    await Promise.all([
      map.set('a', text('1')),
      map.set('b', text('2')),
      map.set('a', text('3')),
      map.set('c', text('4')),
    ]);
    await map.set('c', null);
    const again = await DurableMap.open(path, log);
    expect(contents(again)).toEqual({ a: '3', b: '2' });
    expect(lines).toEqual([]);
    await Promise.all([map.close(), again.close()]);
  });

  it('reads every prefix of its file to the last whole record, and goes on from there', async () => {
    const map = await DurableMap.open(path, log);
    for (let i = 0; i < 5; i++) await map.set(`key-${i}`, text(`value-${i}`));
    await map.close();
    const whole = await readFile(path);
    const record = whole.length / 5;
    for (let length = whole.length; length >= 0; length -= 7) {
      await writeFile(path, whole.subarray(0, length));
      const cut = await DurableMap.open(path, log);
      expect(cut.entries.size).toBe(Math.floor(length / record));
      await cut.set('new', text('x'));
      await cut.close();
      const again = await DurableMap.open(path, log);
      expect(again.entries.size).toBe(Math.floor(length / record) + 1);
      await again.close();
    }
  });

  it('cuts off damage and says so', async () => {
    const map = await DurableMap.open(path, log);
    await map.set('a', text('1'));
    await map.close();
    await appendFile(path, Buffer.from([9, 0, 0, 0, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5]));
    const again = await DurableMap.open(path, log);
    expect(contents(again)).toEqual({ a: '1' });
    expect(lines.join('')).toContain('damaged end');
    await again.close();
  });

  it('rewrites itself when most of it is outdated', async () => {
    const map = await DurableMap.open(path, log);
    await map.set('kept', text('x'));
    const value = new Uint8Array(50_000).fill(7);
    for (let i = 0; i < 60; i++) await map.set('often', value);
    await map.set('often', text('last'));
    await map.set('after', text('y'));
    expect((await stat(path)).size).toBeLessThan(2_000_000);
    await map.close();
    const again = await DurableMap.open(path, log);
    expect(contents(again)).toEqual({ kept: 'x', often: 'last', after: 'y' });
    await again.close();
  });

  it('starts empty from a file of zeros, which some file systems leave after a power cut', async () => {
    await writeFile(path, '');
    await truncate(path, 4096);
    const map = await DurableMap.open(path, log);
    expect(map.entries.size).toBe(0);
    await map.close();
  });
});
