import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { LaidOutNumber } from './laid-out-number.ts';
import { mountSmallDisk, NO_MOUNT } from './testing/small-disk.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'blindsight-number-'));
afterAll(() => rmSync(folder, { recursive: true }));
const zero = async () => 0;
const open = (path: string, initial = zero) => LaidOutNumber.open(path, initial);

describe('LaidOutNumber', () => {
  it('is remembered, in a file whose size never changes', async () => {
    const path = join(folder, 'remembered');
    const number = await open(path, async () => 40);
    expect(number.isLaidOut).toBe(true);
    const { size, ino } = statSync(path);
    await Promise.all([number.add(1), number.add(1), number.add(3)]);
    expect(number.value).toBe(45);
    expect((await open(path)).value).toBe(45);
    expect(statSync(path)).toMatchObject({ size, ino });
  });

  it('has the old or the new number, whichever byte of a change was the last one that reached the disk', async () => {
    const path = join(folder, 'torn');
    const number = await open(path);
    await number.add(7);
    for (let round = 0; round < 2; round++) {
      const before = readFileSync(path);
      const old = number.value;
      await number.add(100);
      const after = readFileSync(path);
      const [first] = [...after.keys()].filter((i) => after[i] !== before[i]);
      for (let cut = first! - 3; cut < first! + 90; cut++) {
        const torn = join(folder, 'torn-copy');
        writeFileSync(torn, Buffer.concat([after.subarray(0, cut), before.subarray(cut)]));
        expect([old, old + 100]).toContain((await open(torn)).value);
      }
      // Garbage in the slot that was written last: the number before it.
      const slot = Math.floor(first! / 4096) * 4096;
      writeFileSync(join(folder, 'garbage'), Buffer.from(after).fill(0, slot, slot + 4096));
      expect((await open(join(folder, 'garbage'))).value).toBe(old);
    }
  });

  it('changes while the process is out of descriptors, where it is held, and is opened anew where its file is gone', async () => {
    const [path, other] = [join(folder, 'held'), join(folder, 'not-held')];
    // In a process of its own: one that cannot open a file cannot start a program either, or run the tests after this one.
    const script = `
      import { openSync, writeSync } from 'node:fs';
      import { LaidOutNumber } from './laid-out-number.ts';
      const held = await LaidOutNumber.open(${JSON.stringify(path)}, async () => 0, { isHeld: true });
      const other = await LaidOutNumber.open(${JSON.stringify(other)}, async () => 0);
      try {
        for (;;) openSync('/dev/null', 'r');
      } catch {}
      const ends = await Promise.allSettled([held.add(5), other.add(5)]);
      writeSync(1, JSON.stringify(ends.map(({ status, reason }) => reason?.code ?? status)));`;
    const node = [process.execPath, '--input-type=module', '--eval', script];
    const { stdout } = await run('prlimit', ['--nofile=64', ...node], { cwd: import.meta.dirname });
    expect(JSON.parse(stdout)).toEqual(['fulfilled', 'EMFILE']);
    const number = await LaidOutNumber.open(path, zero, { isHeld: true });
    expect(number.value).toBe(5);
    unlinkSync(path);
    await expect(number.add(1)).rejects.toThrow('ENOENT');
  });

  it('starts anew where both slots are damaged', async () => {
    const path = join(folder, 'damaged');
    writeFileSync(path, Buffer.alloc(8192, 120));
    const number = await open(path, async () => 3);
    await number.add(1);
    expect((await open(path)).value).toBe(4);
  });

  it('changes on a full disk, and is laid out later where there was no room', async (context) => {
    const disk = mountSmallDisk(1);
    if (disk === null) return context.skip(NO_MOUNT);
    try {
      const early = await open(join(disk.folder, 'early'));
      disk.fill();
      await early.add(5);
      expect((await open(join(disk.folder, 'early'))).value).toBe(5);
      const late = await open(join(disk.folder, 'late'));
      expect(late.isLaidOut).toBe(false);
      await expect(late.add(2)).rejects.toMatchObject({ code: 'ENOSPC' });
      disk.empty();
      await late.add(1);
      expect((await open(join(disk.folder, 'late'))).value).toBe(3);
    } finally {
      disk.unmount();
    }
  });
});
