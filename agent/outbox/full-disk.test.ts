import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { mountSmallDisk, NO_MOUNT } from '#runtime/testing/small-disk.ts';
import { Outbox } from './outbox.ts';

const answer = (sequence: number) => ({
  session: 1,
  sequence,
  camera: 'front',
  historical: false,
  wire: new Uint8Array(20_000).fill(sequence),
});

async function opened(directory: string) {
  const lines: string[] = [];
  const log = createLogger({
    name: 'test',
    level: 'info',
    format: 'json',
    destination: { write: (line: string) => lines.push(line) },
  });
  const clock = new SimulatedClock(Date.now());
  const outbox = await Outbox.open({ directory, maxBytes: 1e9, maxAgeMs: 1e9, clock, log });
  const said: string[] = [];
  outbox.onTrouble((level, code, message) => said.push(`${level} ${code} ${message}`));
  return { outbox, clock, lines, said };
}

function mounted(skip: (note: string) => void) {
  const disk = mountSmallDisk(1);
  if (disk === null) skip(NO_MOUNT);
  else onTestFinished(() => disk.unmount());
  return disk;
}

/** Appends as `recordAnswer` does. @returns numbers of the answers that the disk took */
async function appendAll(outbox: Outbox, from: number, to: number): Promise<number[]> {
  const stored: number[] = [];
  for (let i = from; i <= to; i++) {
    await outbox.append(answer(i)).then(
      () => stored.push(i),
      (error: unknown) => expect(error).toMatchObject({ code: 'DISK_FULL' }),
    );
  }
  return stored;
}

describe('an outbox on a full disk', () => {
  it('counts every answer that is lost, says so once, and recovers by itself', async ({ skip }) => {
    const disk = mounted(skip);
    if (disk === null) return;
    const { outbox, clock, lines, said } = await opened(join(disk.folder, 'outbox'));
    disk.fill(90_000);
    const stored = await appendAll(outbox, 1, 50);
    expect(stored.length).toBeGreaterThan(0);
    const lost = 50 - stored.length;
    expect(outbox.status).toMatchObject({
      waiting: stored.length,
      dropped: lost,
      trouble: { code: 'DISK_FULL' },
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('the disk of the gateway is full');
    expect(lines[0]).not.toContain('stack');
    // Another process, on the disk that is still full: the same count.
    expect((await opened(join(disk.folder, 'outbox'))).outbox.status.dropped).toBe(lost);

    disk.empty();
    await appendAll(outbox, 51, 51);
    expect(outbox.status.trouble, 'one success at the edge is no recovery').toBeDefined();
    await clock.advance(31_000);
    await appendAll(outbox, 52, 52);
    expect(outbox.status).toMatchObject({ waiting: stored.length + 2, dropped: lost });
    expect(outbox.status).not.toHaveProperty('trouble');
    expect(lines).toHaveLength(2);
    expect(said).toEqual([
      expect.stringMatching(/^error DISK_FULL the disk of the gateway is full/),
      expect.stringMatching(new RegExp(`^info DISK_FULL answers can be stored again in .*: ${lost}$`)),
    ]);
  });

  it('lets what is on it leave: an answer that is to be signed anew goes from memory', async ({ skip }) => {
    const disk = mounted(skip);
    if (disk === null) return;
    const { outbox } = await opened(join(disk.folder, 'outbox'));
    const [one, two] = [await outbox.append(answer(1)), await outbox.append(answer(2))];
    disk.fill();
    const anew = (entry: typeof one) => new Uint8Array(19_999).fill(entry.sequence + 8);
    for (const entry of [one, two]) await outbox.replace(entry, anew(entry));
    expect(await outbox.read(one)).toEqual(anew(one));
    expect(await outbox.settle(one.digest)).toBe(one);
    await outbox.discard(two, 'test');
    const left = readdirSync(join(disk.folder, 'outbox'));
    expect(left.filter((name) => name.endsWith('.envelope'))).toEqual([]);
    expect(outbox.status).toMatchObject({ waiting: 0, bytes: 0, dropped: 1 });
  });

  it('has lost no count after kill -9', async ({ skip }) => {
    const disk = mounted(skip);
    if (disk === null) return;
    const directory = join(disk.folder, 'outbox');
    await opened(directory);
    disk.fill(300_000);
    const script = fileURLToPath(new URL('../testing/outbox-writer.ts', import.meta.url));
    const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'ignore'] });
    let told = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      if (told.split('\n').length > 120) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const numbers = told.split('\n').slice(0, -1).map(Number);
    const lost = numbers.filter((number) => number < 0).length;
    expect(lost).toBeGreaterThan(50);
    const { outbox } = await opened(directory);
    // One more may have been counted that the child had no time to tell.
    expect([lost, lost + 1]).toContain(outbox.status.dropped);
    expect(outbox.status.waiting).toBe(numbers.length - lost);
  });

  it('takes over the count of a version before', async ({ skip }) => {
    const disk = mounted(skip);
    if (disk === null) return;
    writeFileSync(join(disk.folder, 'dropped.json'), '{"dropped":43}');
    const { outbox } = await opened(disk.folder);
    expect(outbox.status.dropped).toBe(43);
    expect(readdirSync(disk.folder)).toEqual(['dropped.count']);
  });
});
