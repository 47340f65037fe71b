import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TaskThread } from './task-thread.ts';

const SERVE = fileURLToPath(new URL('./serve-tasks.ts', import.meta.url));

/** A thread that does what it is told. */
const SCRIPT = `
import { serveTasks } from ${JSON.stringify(pathToFileURL(SERVE).href)};
let remembered = 0;
serveTasks(async (task, onProgress) => {
  if (task === 'fail') throw Object.assign(new Error('as told'), { code: 'NAME_INVALID' });
  if (task === 'hang') for (;;);
  const work = async (steps, onStep) => {
    for (let i = 1; i <= steps; i++) { await new Promise((go) => setTimeout(go, 20)); onStep(i); }
  };
  if (task === 'tell') { await work(100, onProgress); return { result: 'told' }; }
  if (task.words) { await work(100, (i) => Atomics.store(task.words, 0, i)); return { result: 'counted' }; }
  if (task === 'die') process.exit(3);
  if (task === 'throw') { setImmediate(() => { throw new Error('stray'); }); return new Promise(() => {}); }
  if (task === 'progress') { onProgress(1); onProgress(2); return { result: 'done' }; }
  remembered += task.length;
  return { result: [task.length, task[0], remembered] };
});
`;

describe('a thread for tasks', () => {
  let folder: string;
  let thread: TaskThread;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'blindsight-thread-'));
    writeFileSync(join(folder, 'script.mjs'), SCRIPT);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    thread = new TaskThread('test', pathToFileURL(join(folder, 'script.mjs')));
  });
  afterEach(() => thread.close());

  it('answers tasks in order, and takes buffers over', async () => {
    const first = new Uint8Array(10).fill(7);
    const answers = await Promise.all([
      thread.run(first, { transfer: [first.buffer] }),
      thread.run(new Uint8Array(5).fill(1)),
    ]);
    expect(answers).toEqual([
      [10, 7, 10],
      [5, 1, 15],
    ]);
    expect(first.length).toBe(0);
  });

  it('hands on progress and errors with their codes', async () => {
    const seen: unknown[] = [];
    expect(await thread.run('progress', { onProgress: (value) => seen.push(value) })).toBe('done');
    expect(seen).toEqual([1, 2]);
    await expect(thread.run('fail')).rejects.toMatchObject({ code: 'NAME_INVALID', message: 'as told' });
    expect(await thread.run('progress')).toBe('done');
  });

  it.each(['die', 'throw'])(
    'fails what it was doing when the thread ends (%s), and starts again',
    async (task) => {
      expect(await thread.run(new Uint8Array(3))).toEqual([3, 0, 3]);
      const { generation } = thread;
      const failures = await Promise.allSettled([thread.run(task), thread.run('progress')]);
      for (const failure of failures) {
        expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'WORKER_FAILED' } });
      }
      expect(await thread.run(new Uint8Array(3)), 'it has forgotten').toEqual([3, 0, 3]);
      expect(thread.generation).toBe(generation + 1);
    },
  );

  it('ends a thread whose task takes too long, and starts again', async () => {
    const { gone } = thread.start();
    const late = thread.run('hang', { timeoutMs: 50 });
    const behind = thread.run('progress');
    await expect(late).rejects.toMatchObject({ code: 'WORKER_FAILED', message: /no progress for 0.05 s/ });
    await expect(behind).rejects.toMatchObject({ code: 'WORKER_FAILED' });
    expect((await gone).message).toContain('no progress for 0.05 s');
    expect(await thread.run('progress', { timeoutMs: 60_000 })).toBe('done');
  });

  it('lets a task take its time that makes progress', async () => {
    await thread.run('progress');
    const words = new Int32Array(new SharedArrayBuffer(4));
    const timeoutMs = 1_000;
    expect(await thread.run('tell', { timeoutMs })).toBe('told');
    const progressOf = () => Atomics.load(words, 0);
    expect(await thread.run({ words }, { timeoutMs, progressOf })).toBe('counted');
    await expect(thread.run('hang', { timeoutMs: 50, progressOf })).rejects.toMatchObject({
      code: 'WORKER_FAILED',
    });
  });

  it('ends a thread whose task is called off, which throws the reason', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const { gone } = thread.start();
    const running = thread.run('hang', { signal: stop.signal });
    stop.abort(reason);
    await expect(running).rejects.toBe(reason);
    await expect(thread.run('progress', { signal: stop.signal })).rejects.toBe(reason);
    expect(await gone).toMatchObject({ code: 'WORKER_FAILED' });
  });

  it('fails what it is doing when it is closed', async () => {
    const running = thread.run('throw').catch((error: unknown) => error);
    await thread.close();
    expect(await running).toMatchObject({ code: 'WORKER_FAILED' });
  });
});
