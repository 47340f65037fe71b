import { setTimeout } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { Arena } from '../memory/arena.ts';
import { Op, TapeRecorder } from '../tape/tape.ts';
import { Control } from './control.ts';
import { KernelPool } from './pool.ts';

/** A pool with a tape that fills a block, and ways to break it. */
function createBench(threads: number, patienceMs = 60_000) {
  const arena = new Arena();
  const pool = new KernelPool(arena.memory, arena.allocate(Control.words * 4), { threads, patienceMs });
  const block = arena.allocate(4096);
  const record = (write: (tape: TapeRecorder) => void) => {
    const tape = new TapeRecorder(arena, pool.control);
    write(tape);
    return tape.finish();
  };
  /** Eight copies in a row, each waiting for the previous one: a wrong order would show. */
  const good = record((tape) => {
    for (let i = 1; i < 8; i++) {
      tape.task(Op.copy, [block + 256 * i, block + 256 * (i - 1), 256]);
      tape.barrier();
    }
  });
  const runGood = (mark: number): boolean => {
    arena.view(block, 1024).fill(0);
    arena.view(block, 64).fill(mark);
    pool.run(good);
    return arena.view(block, 512).every((word) => word === mark);
  };
  return { arena, pool, record, block, runGood };
}

/** Lets the event loop turn until the pool runs again. */
async function recovered(run: () => boolean): Promise<boolean> {
  for (let i = 0; i < 3_000; i++) {
    await setTimeout(20);
    try {
      return run();
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('restarted'))) throw error;
    }
  }
  return false;
}

describe.each([1, 2, 4])('kernel pool with %i threads', (threads) => {
  it('runs tasks in the order of their dependencies', async () => {
    const { pool, runGood } = createBench(threads);
    for (let i = 1; i < 200; i++) expect(runGood(i)).toBe(true);
    await pool.close();
    await pool.close();
    expect(() => runGood(1)).toThrow('closed');
  });

  it('reports a task that traps, replaces the threads and goes on', async () => {
    const { pool, record, runGood } = createBench(threads);
    await setTimeout(50);
    // An operation that does not exist is unreachable code in the kernel.
    const bad = record((tape) => {
      for (let i = 0; i < 8; i++) tape.task(99 as Op, []);
    });
    expect(() => pool.run(bad)).toThrow(expect.objectContaining({ code: 'FHE_WORKER' }));
    expect(await recovered(() => runGood(7))).toBe(true);
    expect(pool.restarts > 0).toBe(threads > 1);
    await pool.close();
  });

  it('does not wait for ever for a thread that died', async () => {
    const { pool, record, block, runGood } = createBench(threads, 500);
    const stuck = record((tape) => {
      // As if a thread had taken a task and never finished it.
      const lost = tape.group();
      lost.count = 1;
      lost.last = 0;
      tape.task(Op.clear, [block, 64], { after: [lost] });
    });
    expect(() => pool.run(stuck)).toThrow(expect.objectContaining({ code: 'FHE_WORKER' }));
    expect(await recovered(() => runGood(9))).toBe(true);
    await pool.close();
  });
});

describe('a helper thread that dies', () => {
  it('is replaced; runs before and after are right', async () => {
    const helpers: Worker[] = [];
    const remember = (worker: Worker): void => void helpers.push(worker);
    process.on('worker', remember);
    const { pool, runGood } = createBench(2);
    try {
      for (let round = 1; round <= 5; round++) {
        await setTimeout(20);
        const gone = helpers.at(-1)!.terminate();
        // It may be dead, dying or alive here; it never held a task, so the caller does all of them.
        for (let run = 0; run < 20; run++) expect(runGood(round + run)).toBe(true);
        await gone;
        expect(await recovered(() => runGood(round))).toBe(true);
        expect(helpers.length).toBe(round + 1);
        expect(pool.restarts).toBe(round);
      }
    } finally {
      process.off('worker', remember);
    }
    await pool.close();
  });

  it('inside of a run makes that run fail, even where all its tasks are done', async () => {
    const { arena, pool, runGood } = createBench(2, 500);
    await setTimeout(50);
    // It leaves a trace: it counted itself in, and never out.
    const words = new Int32Array(arena.memory.buffer, pool.control, Control.words);
    Atomics.add(words, Control.active, 1);
    expect(() => runGood(3)).toThrow(expect.objectContaining({ code: 'FHE_WORKER' }));
    expect(() => runGood(3)).toThrow('being restarted');
    expect(await recovered(() => runGood(4))).toBe(true);
    expect(Atomics.load(words, Control.active)).toBe(0);
    expect(pool.restarts).toBe(1);
    await pool.close();
  });
});

describe('kernel pool', () => {
  it('refuses senseless numbers of threads', () => {
    expect(() => new KernelPool(new Arena().memory, 4096, { threads: 0 })).toThrow('0 threads');
    expect(() => new KernelPool(new Arena().memory, 4096, { threads: 65 })).toThrow('65 threads');
  });
});
