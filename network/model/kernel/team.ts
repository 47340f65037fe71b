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
  #helpers: Worker[] = [];
  #wanted = 0;
  #started = 0;

  /** @param at place of `TeamWords.words` zeroed words of the memory. */
  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory, kernel: JobKernel, at: number) {
    this.#words = new Int32Array(memory.buffer, at, TeamWords.words);
    this.#kernel = kernel;
    this.#data = { module, memory, at };
  }

  /** From now on so many threads work on jobs, the caller included. Helpers that have nothing to do for seconds end, and start again when needed. */
  use(threads: number): void {
    this.#wanted = threads - 1;
  }

  #startHelpers(): void {
    while (this.#started - Atomics.load(this.#words, TeamWords.ended) < this.#wanted) {
      const url = new URL('./team-thread.ts', import.meta.url);
      const worker = new Worker(url, { workerData: this.#data, name: 'training' });
      // The caller notices by itself that a part is never done.
      worker.on('error', () => undefined);
      worker.on('exit', () => {
        this.#helpers = this.#helpers.filter((helper) => helper !== worker);
      });
      worker.unref();
      this.#helpers.push(worker);
      this.#started++;
    }
  }

  /** Does all parts of a job. @throws NetworkError NETWORK_TRAINING if a helper died on one. */
  run(job: Job, args: number, parts: number): void {
    if (this.#wanted === 0 || parts === 1) {
      for (let part = 0; part < parts; part++) this.#kernel[job](args, part);
      return;
    }
    this.#startHelpers();
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

  /** Ends the helpers; jobs are done by the caller alone from now on. */
  async close(): Promise<void> {
    this.#wanted = 0;
    Atomics.store(this.#words, TeamWords.over, 1);
    Atomics.add(this.#words, TeamWords.generation, 1);
    Atomics.notify(this.#words, TeamWords.generation);
    await Promise.all(this.#helpers.map((helper) => helper.terminate()));
  }
}
