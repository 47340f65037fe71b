import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { KEEP_MS, OpeningLog } from './opening-log.ts';

const nameOf = (number: number) => createHash('sha256').update(String(number)).digest('hex');
const make = (number: number, bytes = 1_400) => ({
  answer: nameOf(number),
  sealed: new Uint8Array(bytes).fill(1 + (number % 250)),
});

/** A log without answers of earlier processes. */
async function opened(directory: string, spareBytes?: number) {
  const log = await OpeningLog.open(directory, spareBytes);
  log.setFormers(0);
  return log;
}

const sizes = (directory: string) =>
  readdirSync(directory).map((file) => statSync(join(directory, file)).size);

describe('OpeningLog', () => {
  it('finds each one under its own name only, also after a restart', async () => {
    const directory = await temporaryDirectory();
    const log = await opened(directory);
    await log.append([make(1), make(2, 9)]);
    await log.append([make(3, 1_000_000)]);
    for (const each of [log, await opened(directory)]) {
      for (const { answer, sealed } of [make(1), make(2, 9), make(3, 1_000_000)])
        expect(Buffer.compare((await each.read(answer))!, sealed)).toBe(0);
      expect(await each.read(nameOf(4))).toBeNull();
      expect(each.count).toBe(3);
    }
    await log.close();
  });

  it('keeps them for ten minutes of connection after the last receipt of their file, and while an answer waits', async () => {
    const directory = await temporaryDirectory();
    const log = await opened(directory);
    await log.append([make(1), make(2)]);
    log.settle(nameOf(1));
    await log.connected(3 * KEEP_MS);
    expect(await log.read(nameOf(1))).not.toBeNull();
    await log.append([make(3)]);
    log.settle(nameOf(2));
    await log.connected(KEEP_MS - 1);
    expect(await log.read(nameOf(1))).not.toBeNull();
    await log.connected(1);
    expect(await log.read(nameOf(1))).toBeNull();
    expect(await log.read(nameOf(3))).not.toBeNull();
    expect(readdirSync(directory)).toHaveLength(1);
    expect(log.dropped).toBe(0);
    await log.close();
  });

  it('keeps what an earlier process left while one of its answers waits, and ten minutes of connection after that', async () => {
    const directory = await temporaryDirectory();
    const before = await opened(directory);
    await before.append([make(1)]);
    await before.close();
    const log = await OpeningLog.open(directory);
    // Until the outbox has said how many there are, all may wait.
    await log.connected(2 * KEEP_MS);
    log.setFormers(2);
    log.settle(null);
    await log.connected(2 * KEEP_MS);
    expect(await log.read(nameOf(1))).not.toBeNull();
    log.settle(null);
    await log.connected(KEEP_MS - 1);
    expect(await log.read(nameOf(1))).not.toBeNull();
    await log.connected(1);
    expect(await log.read(nameOf(1))).toBeNull();
  });

  it('is bounded: the oldest that the backend has go first, and are counted', async () => {
    const directory = await temporaryDirectory();
    const log = await opened(directory, 3_000_000);
    for (let i = 0; i < 80; i++) {
      await log.append([make(i, 100_000)]);
      // The first one waits for ever.
      if (i > 0) log.settle(nameOf(i));
    }
    const total = sizes(directory).reduce((sum, size) => sum + size, 0);
    expect(total).toBeLessThan(3_000_000 + 2 * 1_200_000);
    expect(log.bytes).toBe(total);
    expect(await log.read(nameOf(0))).not.toBeNull();
    expect(await log.read(nameOf(20))).toBeNull();
    expect(await log.read(nameOf(79))).not.toBeNull();
    expect(log.count + log.dropped).toBe(80);
    await log.close();
  });

  it('hands out nothing that was damaged, and goes on behind it', async () => {
    const directory = await temporaryDirectory();
    const log = await opened(directory);
    await log.append([make(1), make(2), make(3)]);
    await log.close();
    const path = join(directory, readdirSync(directory)[0]!);
    const bytes = readFileSync(path);
    bytes[1_444 + 100]! ^= 1;
    writeFileSync(path, bytes);
    const again = await opened(directory);
    expect(await again.read(nameOf(1))).toEqual(make(1).sealed);
    expect(await again.read(nameOf(2))).toBeNull();
    expect(await again.read(nameOf(3))).toEqual(make(3).sealed);
  });

  it('takes any end of a file for what a power cut leaves', async () => {
    const directory = await temporaryDirectory();
    const log = await opened(directory);
    await log.append([make(1, 8), make(2, 9)]);
    await log.close();
    const path = join(directory, readdirSync(directory)[0]!);
    const whole = readFileSync(path);
    for (const tail of [Buffer.alloc(0), Buffer.alloc(4_096), randomBytes(300)])
      for (let length = 0; length <= whole.length; length++) {
        writeFileSync(path, Buffer.concat([whole.subarray(0, length), tail]));
        const again = await opened(directory);
        const found = [await again.read(nameOf(1)), await again.read(nameOf(2))];
        expect(found[0] !== null).toBe(length >= 52);
        expect(found[1] !== null).toBe(length === whole.length);
        writeFileSync(path, whole);
      }
  });

  it('has the opening of every answer that may have been sent, after kill -9 at any step', async () => {
    const folder = await temporaryDirectory();
    const script = fileURLToPath(new URL('../testing/opening-writer.ts', import.meta.url));
    const stored: string[] = [];
    // Several lives on one disk: what the first left is still there after the last.
    for (let life = 1; life <= 3; life++) {
      const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.split('\n').length > 8 * life) child.kill('SIGKILL');
      });
      await once(child, 'close');
      stored.push(...said.split('\n').slice(0, -1));
    }
    expect(stored.length).toBeGreaterThan(45);
    const log = await opened(join(folder, 'openings'));
    for (const answer of stored) expect((await log.read(answer))?.length).toBe(20_000);
  });
});
