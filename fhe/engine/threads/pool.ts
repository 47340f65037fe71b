import { Worker } from 'node:worker_threads';
import { FheError } from '../../errors.ts';
import type { Address } from '../memory/arena.ts';
import type { RecordedTape } from '../tape/tape.ts';
import { Control } from './control.ts';
import {
  instantiateKernel,
  type KernelBuild,
  type KernelExports,
  loadKernelModule,
} from './kernel-module.ts';
import type { ThreadData } from './thread.ts';

export type PoolOptions = {
  /** Threads that work on a tape, including the caller's. */
  readonly threads: number;
  readonly build?: KernelBuild;
  /** After this long without progress, another thread is considered dead. */
  readonly patienceMs?: number;
};

/** Far above the longest task (a millisecond), even on a busy machine. */
const DEFAULT_PATIENCE_MS = 10_000;

/**
 * The caller's thread and its helpers, on one shared memory. Helpers join a run when they can: a helper that is not up yet costs time,
 * never correctness. {@link run} blocks, so the pool belongs in a worker thread, not on an event loop that others need.
 */
export class KernelPool {
  readonly control: Address;
  readonly #memory: WebAssembly.Memory;
  readonly #module: WebAssembly.Module;
  readonly #kernel: KernelExports;
  readonly #words: Int32Array;
  readonly #patienceMs: number;
  readonly #helpers: number;
  #workers = new Set<Worker>();
  #state: 'running' | 'recovering' | 'closed' = 'running';
  #restarts = 0;

  /** @param control {@link Control.words} words of the memory that nobody else uses. */
  constructor(
    memory: WebAssembly.Memory,
    control: Address,
    { threads, build = 'release', patienceMs = DEFAULT_PATIENCE_MS }: PoolOptions,
  ) {
    if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
      throw new FheError('FHE_STATE', `${threads} threads: expected 1 to 64`);
    }
    this.#memory = memory;
    this.control = control;
    this.#words = new Int32Array(memory.buffer, control, Control.words);
    this.#module = loadKernelModule(build);
    this.#kernel = instantiateKernel(this.#module, memory);
    this.#patienceMs = patienceMs;
    this.#helpers = threads - 1;
    this.#spawn();
  }

  /** Helpers that were replaced after a failure. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Helpers that are up at this moment. */
  get ready(): number {
    return Atomics.load(this.#words, Control.ready);
  }

  #spawn(): void {
    const data: ThreadData = { module: this.#module, memory: this.#memory, control: this.control };
    while (this.#workers.size < this.#helpers) {
      const worker = new Worker(new URL('./thread.ts', import.meta.url), {
        workerData: data,
        name: 'blindsight-kernel',
      });
      worker.unref();
      // The failure itself is seen by run(); here only the thread is replaced.
      worker.on('error', () => undefined);
      worker.on('exit', () => this.#onExit(worker));
      this.#workers.add(worker);
    }
  }

  #onExit(worker: Worker): void {
    this.#workers.delete(worker);
    if (this.#state === 'closed') return;
    this.#restarts++;
    // A thread that died inside a run left its mark in `active`; start afresh when the last one is gone.
    if (this.#state === 'recovering' && this.#workers.size > 0) return;
    if (this.#state === 'recovering') this.#reset();
    this.#spawn();
  }

  #reset(): void {
    this.#words.fill(0);
    this.#state = 'running';
  }

  /**
   * Runs a tape to its end.
   *
   * @param threads that may work on it, including the caller's; where left out, all.
   * @throws FheError FHE_WORKER if a thread failed: the results are void, all helpers are replaced, and runs are refused until they have ended
   * (the event loop must turn for that). FHE_STATE after {@link close}.
   */
  run(tape: RecordedTape, threads = this.#helpers + 1): void {
    if (this.#state === 'closed') throw new FheError('FHE_STATE', 'the engine is closed');
    if (this.#state === 'recovering') {
      throw new FheError('FHE_WORKER', 'the threads of the engine are being restarted');
    }
    const words = this.#words;
    new Int32Array(this.#memory.buffer, tape.counters, tape.counterWords).fill(0);
    words[Control.next] = 0;
    words[Control.failed] = 0;
    words[Control.done] = 0;
    words[Control.tape] = tape.address;
    words[Control.count] = tape.count;
    words[Control.patienceMs] = this.#patienceMs;
    const helpers = Math.min(this.#helpers, threads - 1);
    if (helpers > 0) {
      Atomics.store(words, Control.open, helpers);
      Atomics.add(words, Control.generation, 1);
      Atomics.notify(words, Control.generation);
    }
    let failure: unknown = null;
    try {
      const bad =
        this.#kernel.run(this.control, tape.address, tape.count, this.#patienceMs) ||
        this.#kernel.wait(this.control, tape.count, this.#patienceMs);
      if (bad !== 0) failure = new Error('a helper thread stopped in the middle of a run');
    } catch (error) {
      Atomics.store(words, Control.failed, 1);
      failure = error;
    }
    Atomics.store(words, Control.open, 0);
    if (failure === null && !this.#helpersLeft()) failure = new Error('a helper thread does not leave a run');
    if (failure !== null) this.#fail(failure);
  }

  /** Waits until no helper is inside the run. */
  #helpersLeft(): boolean {
    for (;;) {
      const active = Atomics.load(this.#words, Control.active);
      if (active === 0) return true;
      if (Atomics.wait(this.#words, Control.active, active, this.#patienceMs) === 'timed-out') return false;
    }
  }

  #fail(cause: unknown): never {
    if (this.#workers.size > 0) {
      this.#state = 'recovering';
      for (const worker of this.#workers) void worker.terminate();
    } else {
      this.#reset();
    }
    throw new FheError('FHE_WORKER', 'a thread of the engine failed; the frame must be run again', { cause });
  }

  /** Ends the helpers. A run must not be under way. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    Atomics.store(this.#words, Control.shutdown, 1);
    Atomics.add(this.#words, Control.generation, 1);
    Atomics.notify(this.#words, Control.generation);
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }
}
