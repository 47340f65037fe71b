import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mountSmallDisk, NO_MOUNT } from '#runtime/testing/small-disk.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { SessionCounter } from './session-counter.ts';

const NOW_SECONDS = Date.UTC(2026, 5, 1) / 1000;
const at = (seconds: number) => ({ now: () => seconds * 1000 });
const newFolder = temporaryDirectory;

describe('SessionCounter', () => {
  it('begins a higher session at each start and each new connection, with sequences from 1', async () => {
    const folder = await newFolder();
    const first = await SessionCounter.open(folder, at(NOW_SECONDS));
    expect([first.take().sequence, first.take().sequence]).toEqual([1, 2]);
    const { session } = first;
    expect(await first.forConnection()).toBe(session); // An attempt that failed uses up nothing.
    expect(await first.forConnection()).toBe(session);
    first.connected();
    expect(first.take()).toEqual({ session, sequence: 3 });
    expect(await first.forConnection()).toBe(session + 1);
    expect(first.take()).toEqual({ session: session + 1, sequence: 1 });
    const second = await SessionCounter.open(folder, at(0));
    expect(second.session).toBe(session + 2);
  });

  it('does not use numbers again when its file is lost, damaged, or restored from an older image', async () => {
    const folder = await newFolder();
    const before = await SessionCounter.open(folder, at(NOW_SECONDS));
    const image = await readFile(join(folder, 'session.count'));
    for (let start = 1; start <= 5; start++) await SessionCounter.open(folder, at(NOW_SECONDS + start * 60));
    await writeFile(join(folder, 'session.count'), image);
    const restored = await SessionCounter.open(folder, at(NOW_SECONDS + 600));
    expect(restored.session).toBe(NOW_SECONDS + 600);
    await writeFile(join(folder, 'session.count'), '\0\0\0');
    const damaged = await SessionCounter.open(folder, at(NOW_SECONDS + 660));
    expect(damaged.session).toBeGreaterThan(restored.session);
    const lost = await SessionCounter.open(await newFolder(), at(NOW_SECONDS + 720));
    expect(lost.session).toBeGreaterThan(damaged.session);
    expect(before.session).toBe(NOW_SECONDS);
  });

  it('goes on from the file of a version that counted more slowly', async () => {
    const folder = await newFolder();
    const path = join(folder, 'session.json');
    await writeFile(path, '{"session":41000000}');
    expect((await SessionCounter.open(folder, at(NOW_SECONDS))).session).toBe(NOW_SECONDS);
    expect(await readdir(folder)).toEqual(['session.count']);
    // It ran once more.
    await writeFile(path, `{"session":${NOW_SECONDS + 900}}`);
    expect((await SessionCounter.open(folder, at(NOW_SECONDS + 60))).session).toBe(NOW_SECONDS + 901);
  });

  it.each([1970, 2099, 2101, 9999])('counts on through a clock that stands in %i', async (year) => {
    const folder = await newFolder();
    const wrong = Date.UTC(year, 0, 1) / 1000;
    await SessionCounter.open(folder, at(NOW_SECONDS));
    const astray = await SessionCounter.open(folder, at(wrong));
    expect(astray.session).toBe(year === 2099 ? wrong : NOW_SECONDS + 1);
    const back = await SessionCounter.open(folder, at(NOW_SECONDS + 60));
    expect(back.session).toBeGreaterThan(astray.session);
    expect(String(back.session)).toHaveLength(10);
  });

  it('does not take a number from its file that has no end', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'session.json'), '{"session":9007199254740991}');
    expect((await SessionCounter.open(folder, at(NOW_SECONDS))).session).toBe(NOW_SECONDS);
  });

  it('leaves a session that was begun before, for good', async () => {
    const folder = await newFolder();
    const counter = await SessionCounter.open(folder, at(5));
    expect(counter.take()).toEqual({ session: 1, sequence: 1 });
    counter.connected();
    await counter.leaveTaken(51);
    expect(counter.take()).toEqual({ session: 51, sequence: 1 });
    expect([counter.isTaken(1), counter.isTaken(51)]).toEqual([true, false]);
    expect(await counter.forConnection()).toBe(51);
    expect((await SessionCounter.open(folder, at(5))).session).toBe(52);
  });

  it('gives out no number again after kill -9', async () => {
    const folder = await newFolder();
    const script = fileURLToPath(new URL('../testing/session-writer.ts', import.meta.url));
    let last = 0;
    for (const count of [3, 40, 90]) {
      const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      let told = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        told += text;
        if (told.split('\n').length > count) child.kill('SIGKILL');
      });
      await once(child, 'close');
      const numbers = told.split('\n').slice(0, -1).map(Number);
      expect(numbers[0]).toBeGreaterThan(last);
      expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
      last = numbers.at(-1)!;
    }
    const left = await SessionCounter.open(folder, at(0));
    // One more may have been begun that the child had no time to tell.
    expect([last + 1, last + 2]).toContain(left.session);
  });

  it('begins sessions on a full disk, once its file is there', async ({ skip }) => {
    const disk = mountSmallDisk(1);
    if (disk === null) return skip(NO_MOUNT);
    onTestFinished(() => disk.unmount());
    disk.fill();
    await expect(SessionCounter.open(disk.folder, at(5))).rejects.toMatchObject({ code: 'DISK_FULL' });
    disk.empty();
    const counter = await SessionCounter.open(disk.folder, at(5));
    disk.fill();
    counter.connected();
    const next = await counter.forConnection();
    expect(next).toBe(counter.session);
    expect((await SessionCounter.open(disk.folder, at(5))).session).toBe(next + 1);
  });
});
