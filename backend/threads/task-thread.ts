import { type TransferListItem, Worker } from 'node:worker_threads';
import { BlindsightError, ERRORS, type ErrorCode } from '#protocol/errors.ts';
import type { FromThread, ToThread } from './messages.ts';

type Waiting = {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((progress: unknown) => void) | undefined;
};

export type TaskOptions = {
  /** Buffers that move to the thread instead of being copied. */
  readonly transfer?: readonly TransferListItem[];
  readonly onProgress?: (progress: unknown) => void;
};

/**
 * A computing thread that answers one task after the other; see `serveTasks` for its other end. A thread that ends
 * unasked fails what it was doing, and the next task starts a new one, which has forgotten everything.
 */
export class TaskThread {
  readonly #script: URL;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #lastId = 0;
  #generation = 0;

  constructor(name: string, script: URL) {
    this.#name = name;
    this.#script = script;
  }

  /** Grows whenever a new thread had to be started: what an earlier one held is gone. */
  get generation(): number {
    return this.#generation;
  }

  /** Starts the thread where none runs, so that `generation` is the one that the next task will meet. */
  start(): void {
    if (this.#worker !== null) return;
    this.#generation += 1;
    const worker = new Worker(this.#script, { name: this.#name });
    this.#worker = worker;
    worker.unref();
    worker.on('message', (message: FromThread) => this.#receive(message));
    worker.on('error', (error) => this.#end(worker, error instanceof Error ? error.message : String(error)));
    worker.on('exit', (code) => this.#end(worker, `it ended with code ${code}`));
  }

  /** @throws whatever the task throws; BlindsightError WORKER_FAILED where the thread ends first. */
  run<T>(task: unknown, options: TaskOptions = {}): Promise<T> {
    this.start();
    const worker = this.#worker!;
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, {
        resolve: resolve as (value: unknown) => void,
        reject,
        onProgress: options.onProgress,
      });
      worker.ref();
      worker.postMessage({ id, task } satisfies ToThread, [...(options.transfer ?? [])]);
    });
  }

  #receive(message: FromThread): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if (message.kind === 'progress') {
      waiting.onProgress?.(message.progress);
      return;
    }
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (message.kind === 'result') waiting.resolve(message.result);
    else waiting.reject(toError(message.code, message.message));
  }

  #end(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const error = new BlindsightError('WORKER_FAILED', `the thread ${this.#name} stopped: ${reason}`);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }

  /** Ends the thread, whatever it is doing; its tasks fail. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    this.#end(worker, 'it was closed');
    await worker.terminate();
  }
}

function toError(code: string, message: string): Error {
  if (code in ERRORS) return new BlindsightError(code as ErrorCode, message);
  return Object.assign(new Error(message), { code });
}
