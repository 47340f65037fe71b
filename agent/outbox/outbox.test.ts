import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createLogger } from '#runtime/log.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { temporaryDirectory } from '../testing/temporary-directory.ts';
import { Outbox, type OutboxOptions } from './outbox.ts';

const log = createLogger({ name: 'test', level: 'error', format: 'json' });

async function opened(directory: string, options: Partial<OutboxOptions> = {}) {
  // Files carry the real time, so the simulated wall clock starts there.
  const clock = new SimulatedClock(Date.now());
  const limits = { maxBytes: 10_000, maxAgeMs: 3_600_000 };
  return { clock, outbox: await Outbox.open({ directory, clock, log, ...limits, ...options }) };
}

const answer = (session: number, sequence: number, bytes = 100) => ({
  session,
  sequence,
  camera: 'front',
  historical: false,
  wire: new Uint8Array(bytes).fill(sequence),
});

const sequences = (outbox: Outbox) => [...outbox.entries].map((entry) => entry.sequence);

describe('Outbox', () => {
  it('keeps entries in order over a restart until their receipt', async () => {
    const directory = await temporaryDirectory();
    const { outbox } = await opened(directory);
    const first = await outbox.append(answer(2, 9));
    await outbox.append(answer(2, 10));
    await outbox.append(answer(10, 1));
    expect(await outbox.settle(first.digest)).toBe(first);
    expect(await outbox.settle(first.digest)).toBeNull();
    const { outbox: again } = await opened(directory);
    expect([...again.entries].map((e) => [e.session, e.sequence, e.camera])).toEqual([
      [2, 10, 'front'],
      [10, 1, 'front'],
    ]);
    const [entry] = again.entries;
    expect(await again.read(entry!)).toEqual(Buffer.alloc(100, 10));
    expect(again.status).toMatchObject({ waiting: 2, bytes: 200, dropped: 0 });
  });

  it('drops the oldest at its bound, counts every one, and remembers the count', async () => {
    const directory = await temporaryDirectory();
    const drops: number[] = [];
    const { outbox } = await opened(directory, { maxBytes: 1000 });
    outbox.onDrop((count) => drops.push(count));
    for (let i = 1; i <= 12; i++) await outbox.append(answer(1, i));
    expect(sequences(outbox)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(drops.reduce((sum, count) => sum + count, 0)).toBe(2);
    const { outbox: smaller } = await opened(directory, { maxBytes: 300 });
    expect(sequences(smaller)).toEqual([11, 12]);
    expect(smaller.status.dropped).toBe(10);
    expect((await readdir(directory)).length).toBe(3);
  });

  it('knows of how many cameras each is after a restart, and reads none of them for it', async () => {
    const directory = await temporaryDirectory();
    const { outbox } = await opened(directory);
    for (let i = 0; i < 4; i++) await outbox.append({ ...answer(1, 1 + 3 * i), answers: 3 });
    await outbox.append(answer(1, 13));
    for (const name of await readdir(directory))
      if (name.endsWith('.envelope')) await writeFile(join(directory, name), new Uint8Array(100));
    const { outbox: again } = await opened(directory, { maxBytes: 300 });
    expect(again.status).toMatchObject({ waiting: 4, dropped: 9 });
    expect(sequences(again)).toEqual([10, 13]);
  });

  it('drops by age, unless the wall clock was never set', async () => {
    const { outbox, clock } = await opened(await temporaryDirectory());
    const now = clock.now();
    clock.jump(0);
    await outbox.append(answer(1, 1));
    clock.jump(now);
    await outbox.append(answer(1, 2));
    await outbox.expire();
    expect(sequences(outbox)).toEqual([1, 2]);
    const [unset] = outbox.entries;
    await outbox.settle(unset!.digest);
    await clock.advance(3_600_001);
    await outbox.expire();
    expect(outbox.status).toMatchObject({ waiting: 0, dropped: 1 });
  });

  it('does not hand out a damaged answer', async () => {
    const directory = await temporaryDirectory();
    const { outbox } = await opened(directory);
    const entry = await outbox.append(answer(1, 1));
    const sent = await outbox.read(entry);
    const [file] = (await readdir(directory)).filter((name) => name.endsWith('.envelope'));
    expect(new Uint8Array(await readFile(join(directory, file!)))).toEqual(new Uint8Array(sent!));
    await writeFile(join(directory, file!), new Uint8Array(100));
    expect(await outbox.read(entry), 'only the first time it comes from memory').toBeNull();
    expect(outbox.status).toMatchObject({ waiting: 0, bytes: 0, dropped: 1 });
  });

  it('keeps few answers in memory that nobody sends', async () => {
    const directory = await temporaryDirectory();
    const { outbox } = await opened(directory, { maxBytes: 10_000_000 });
    const entries = [];
    for (let i = 1; i <= 5; i++)
      entries.push(await outbox.append({ ...answer(1, i), wire: new Uint8Array(300_000).fill(i) }));
    for (const name of await readdir(directory))
      if (name.endsWith('.envelope')) await writeFile(join(directory, name), new Uint8Array(100));
    const read = [];
    for (const entry of entries) read.push((await outbox.read(entry))?.[0] ?? null);
    expect(read).toEqual([null, null, 3, 4, 5]);
  });

  it('replaces a signed form in place, and a crash between leaves one of them', async () => {
    const directory = await temporaryDirectory();
    const { outbox } = await opened(directory);
    const entry = await outbox.append(answer(1, 1));
    await outbox.append(answer(1, 2));
    const old = entry.digest;
    await outbox.replace(entry, new Uint8Array(50));
    expect(sequences(outbox)).toEqual([1, 2]);
    expect(await outbox.settle(old)).toBeNull();
    expect(outbox.status.bytes).toBe(150);
    const name = (await readdir(directory)).find((file) => file.includes(entry.digest))!;
    await writeFile(join(directory, name.replace(entry.digest, old)), new Uint8Array(100));
    const { outbox: again } = await opened(directory);
    expect(sequences(again)).toEqual([1, 2]);
  });

  it('reports a disk that refuses, and counts the loss', async () => {
    const directory = await temporaryDirectory();
    const { outbox } = await opened(directory);
    const camera = 'x'.repeat(300); // Longer than a file name may be: fails as a full disk does, also for root.
    await expect(outbox.append({ ...answer(1, 1), camera })).rejects.toMatchObject({
      code: 'OUTBOX_UNAVAILABLE',
    });
    expect(outbox.status).toMatchObject({ waiting: 0, dropped: 1 });
  });

  it('holds everything that it said it holds after kill -9', async () => {
    const directory = await temporaryDirectory();
    const script = fileURLToPath(new URL('../testing/outbox-writer.ts', import.meta.url));
    const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.split('\n').length > 40) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const stored = said.split('\n').filter(Boolean).map(Number);
    expect(stored.length).toBeGreaterThan(30);
    const { outbox } = await opened(directory, { maxBytes: 1e9 });
    expect(sequences(outbox).slice(0, stored.length)).toEqual(stored);
    for (const entry of outbox.entries) expect((await outbox.read(entry))?.length).toBe(10_000);
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
