import { Worker } from 'node:worker_threads';
import { NetworkError } from '#network/errors.ts';
import type { TeamThreadData } from './team-thread.ts';
import { JOBS, type Job, TeamWords } from './team-words.ts';
import { type JobKernel, workOnJob } from './team-work.ts';

/** A part takes milliseconds; a thread that is silent for so long is dead. */
const PATIENCE_MS = 60_000;

/**
 * The caller and its helpers, which share one memory and do the parts of a job. Who does which part is chance; what comes out is not. A helper that is
 * not up yet costs time, never correctness.
 */
export class Team {
  readonly #words: Int32Array;
  readonly #kernel: JobKernel;
  readonly #data: TeamThreadData;
  #helpers: readonly Worker[] = [];

  /** @param at place of `TeamWords.words` zeroed words of the memory. */
  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory, kernel: JobKernel, at: number) {
    this.#words = new Int32Array(memory.buffer, at, TeamWords.words);
    this.#kernel = kernel;
    this.#data = { module, memory, at };
  }

  /** Starts helpers, so that there are so many threads, the caller included; {@link close} ends them. */
  start(threads: number): void {
    const more = Array.from({ length: Math.max(0, threads - 1 - this.#helpers.length) }, () => {
      const url = new URL('./team-thread.ts', import.meta.url);
      const worker = new Worker(url, { workerData: this.#data, name: 'training' });
      // The caller notices by itself that a part is never done.
      worker.on('error', () => undefined);
      worker.unref();
      return worker;
    });
    this.#helpers = [...this.#helpers, ...more];
  }

  /** Does all parts of a job. @throws NetworkError NETWORK_TRAINING if a helper died on one. */
  run(job: Job, args: number, parts: number): void {
    if (this.#helpers.length === 0 || parts === 1) {
      for (let part = 0; part < parts; part++) this.#kernel[job](args, part);
      return;
    }
    const words = this.#words;
    const first = words[TeamWords.end]!;
    words[TeamWords.first] = first;
    words[TeamWords.job] = JOBS.indexOf(job);
    words[TeamWords.args] = args;
    Atomics.store(words, TeamWords.done, 0);
    Atomics.store(words, TeamWords.end, first + parts);
    Atomics.add(words, TeamWords.generation, 1);
    Atomics.notify(words, TeamWords.generation);
    workOnJob(words, this.#kernel);
    for (
      let done = Atomics.load(words, TeamWords.done);
      done < parts;
      done = Atomics.load(words, TeamWords.done)
    ) {
      if (Atomics.wait(words, TeamWords.done, done, PATIENCE_MS) === 'timed-out')
        throw new NetworkError('NETWORK_TRAINING', 'a computing thread stopped; start the training again');
    }
  }

  /** Ends the helpers. */
  async close(): Promise<void> {
    Atomics.store(this.#words, TeamWords.over, 1);
    Atomics.add(this.#words, TeamWords.generation, 1);
    Atomics.notify(this.#words, TeamWords.generation);
    const helpers = this.#helpers;
    this.#helpers = [];
    await Promise.all(helpers.map((helper) => helper.terminate()));
  }
}
