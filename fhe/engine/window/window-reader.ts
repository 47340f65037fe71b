import { Worker } from 'node:worker_threads';
import { FheError } from '../../errors.ts';
import type { RecordedTape } from '../tape/tape.ts';
import { REPORT_BYTES, readReport } from './report.ts';
import type { ReaderData } from './thread.ts';
import type { WindowPlan } from './window.ts';
import { aheadOf, WindowControl } from './window-control.ts';

/** What a reader needs besides its plan. */
export type ReaderOptions = {
  readonly memory: WebAssembly.Memory;
  /** An open file with the parts of the plan, and the CRC-32 of each. */
  readonly file: number;
  readonly checksums: Uint32Array;
  /** Control block of the threads that run the tape. */
  readonly pool: number;
};

/** How much was read through a window, and how long the disk took. */
export type ReadFigures = { readonly bytes: number; readonly ms: number };

/**
 * A thread that fills a window ahead of a tape. Each run is framed by {@link begin} and {@link end}; between two runs the beginning of the
 * next one is read already. Nothing reaches a task that is not what was written: each part is checked by its CRC-32 in the window itself.
 */
export class WindowReader {
  readonly plan: WindowPlan;
  readonly #memory: WebAssembly.Memory;
  readonly #words: Int32Array;
  readonly #report = new SharedArrayBuffer(REPORT_BYTES);
  readonly #spent = new Float64Array(new SharedArrayBuffer(16));
  readonly #worker: Worker;
  #run = 0;
  #before: ReadFigures = { bytes: 0, ms: 0 };

  constructor(plan: WindowPlan, { memory, file, checksums, pool }: ReaderOptions) {
    this.plan = plan;
    this.#memory = memory;
    this.#words = new Int32Array(memory.buffer, plan.control, WindowControl.words);
    const data: ReaderData = {
      ...{ memory, plan, file, checksums, pool },
      ...{ report: this.#report, spent: this.#spent },
    };
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: data,
      name: 'blindsight-reader',
    });
    this.#worker.unref();
    // The run that waits for it sees the failure by itself.
    this.#worker.on('error', () => undefined);
  }

  /** Milliseconds spent on reading and bytes read, over all runs: grows while one is under way. In memory that threads share. */
  get spent(): Float64Array {
    return this.#spent;
  }

  /** Bytes that every run reads. */
  get bytesPerRun(): number {
    const { chunks, parts } = this.plan;
    return chunks.reduce((sum, chunk) => sum + chunk.parts.reduce((s, part) => s + parts[part]!.bytes, 0), 0);
  }

  /** Before the tape runs that the window was planned for. @throws FheError FHE_DISK if the reader gave up. */
  begin({ counters, counterWords }: RecordedTape): void {
    this.check();
    const run = ++this.#run;
    const words = this.#words;
    // Before the reader looks at them: what the run before left there would tell it that all its chunks are used already.
    new Int32Array(this.#memory.buffer, counters, counterWords).fill(0);
    Atomics.store(words, WindowControl.filled, 0);
    Atomics.store(words, WindowControl.begun, run);
    Atomics.notify(words, WindowControl.begun);
    const ahead = Atomics.load(words, WindowControl.ahead) - aheadOf(run, 0);
    if (ahead > 0 && ahead < 2 ** 20) Atomics.store(words, WindowControl.filled, ahead);
    Atomics.store(words, WindowControl.opened, run);
  }

  /** After the tape ran, well or not. @returns what was read since the run before ended */
  end(): ReadFigures {
    Atomics.store(this.#words, WindowControl.ended, this.#run);
    Atomics.notify(this.#words, WindowControl.ended);
    const [ms, bytes] = this.#spent as unknown as [number, number];
    const figures = { bytes: bytes - this.#before.bytes, ms: ms - this.#before.ms };
    this.#before = { bytes, ms };
    return figures;
  }

  /** @throws FheError FHE_DISK if the reader gave up: it needs a new file. */
  check(): void {
    if (Atomics.load(this.#words, WindowControl.failed) === 0) return;
    throw new FheError(
      'FHE_DISK',
      `the file with constants and keys cannot be read: ${readReport(this.#report)}`,
    );
  }

  /** Ends the thread. A run must not be under way. */
  async close(): Promise<void> {
    Atomics.store(this.#words, WindowControl.shutdown, 1);
    for (const word of [WindowControl.begun, WindowControl.ended, WindowControl.shutdown]) {
      Atomics.notify(this.#words, word);
    }
    await this.#worker.terminate();
  }
}
