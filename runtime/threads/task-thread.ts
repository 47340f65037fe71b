import { type TransferListItem, Worker } from 'node:worker_threads';
import { BlindsightError, ERRORS, type ErrorCode } from '#protocol/errors.ts';
import type { FromThread, ToThread } from './messages.ts';

type Waiting = {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: (progress: unknown) => void;
};

type Running = {
  readonly worker: Worker;
  readonly gone: Promise<Error>;
  /** Why it accepts no more tasks. */
  reason: Error | null;
};

export type TaskOptions = {
  /** Buffers that are transferred to the thread instead of copied. */
  readonly transfer?: readonly TransferListItem[];
  readonly onProgress?: (progress: unknown) => void;
  /** Ends the thread, and fails its other tasks, if this task neither ends nor makes progress for so long. */
  readonly timeoutMs?: number;
  /** Where a task cannot tell its progress: something that is another value once it has made some. */
  readonly progressOf?: () => unknown;
  /** Ends the thread, and fails its other tasks; this task throws the signal's reason. */
  readonly signal?: AbortSignal;
};

/**
 * A computing thread that runs one task at a time; see `serveTasks` for its other end. If the thread dies, its tasks
 * fail, and the next task starts a new one without any state.
 */
export class TaskThread {
  readonly #script: URL;
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  #running: Running | null = null;
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

  /**
   * Starts the thread if none is running, so that `generation` is the one that the next task will see.
   *
   * @returns a promise of the reason when that thread is gone, also after {@link close}.
   */
  start(): Pick<Running, 'gone'> {
    if (this.#running !== null) return this.#running;
    this.#generation += 1;
    const worker = new Worker(this.#script, { name: this.#name });
    const { promise: gone, resolve } = Promise.withResolvers<Error>();
    const running: Running = { worker, gone, reason: null };
    this.#running = running;
    worker.unref();
    worker.on('message', (message: FromThread) => this.#receive(message));
    worker.on('error', (error) =>
      this.#end(running, error instanceof Error ? error.message : String(error), error),
    );
    worker.once('exit', (code) => resolve(this.#end(running, `it ended with code ${code}`)));
    return running;
  }

  /** @throws whatever the task throws; BlindsightError WORKER_FAILED where the thread ends first; the signal's reason. */
  async run<T>(task: unknown, options: TaskOptions = {}): Promise<T> {
    const { transfer = [], onProgress, timeoutMs, progressOf, signal } = options;
    signal?.throwIfAborted();
    this.start();
    const running = this.#running!;
    const { worker } = running;
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const told = (progress: unknown): void => {
      timer?.refresh();
      onProgress?.(progress);
    };
    this.#waiting.set(id, { resolve, reject, onProgress: told });
    const stop = (reason: string): void => {
      this.#end(running, reason);
      void worker.terminate();
    };
    const abort = (): void => {
      reject(signal?.reason);
      stop('a task was canceled');
    };
    signal?.addEventListener('abort', abort, { once: true });
    let seen = progressOf?.();
    const late = (): void => {
      const now = progressOf?.();
      if (now === seen) stop(`a task made no progress for ${timeoutMs! / 1000} s`);
      else timer?.refresh();
      seen = now;
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
    try {
      worker.ref();
      worker.postMessage({ id, task } satisfies ToThread, [...transfer]);
      return (await promise) as T;
    } finally {
      this.#waiting.delete(id);
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  #receive(message: FromThread): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if (message.kind === 'progress') {
      waiting.onProgress(message.progress);
      return;
    }
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#running?.worker.unref();
    if (message.kind === 'result') waiting.resolve(message.result);
    else waiting.reject(toError(message.code, message.message));
  }

  /** Fails the tasks of a thread, once. @returns why it ended. */
  #end(running: Running, why: string, cause?: unknown): Error {
    if (running.reason !== null) return running.reason;
    const error = new BlindsightError('WORKER_FAILED', `the thread ${this.#name} stopped: ${why}`, { cause });
    running.reason = error;
    this.#running = null;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    return error;
  }

  /** Ends the thread, whatever it is doing; its tasks fail. */
  async close(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#end(running, 'it was closed');
    await running.worker.terminate();
  }
}

function toError(code: string, message: string): Error {
  if (code in ERRORS) return new BlindsightError(code as ErrorCode, message);
  return Object.assign(new Error(message), { code });
}
