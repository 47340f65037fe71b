import { Worker } from 'node:worker_threads';
import type { PictureShape, RunResult } from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import type { Bundle, InterpreterKind } from './bundle.ts';
import type { WorkerReply, WorkerRequest } from './worker-messages.ts';

export type HostOptions = {
  readonly bundle: Bundle;
  readonly kind: InterpreterKind;
  readonly threads: number;
  /** Runs the self-test before the bundle counts as opened. */
  readonly selfTest: boolean;
  /** A thread that needs longer is ended, in milliseconds. */
  readonly openTimeoutMs?: number;
  readonly runTimeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Another worker file; for tests. */
  readonly workerFile?: URL;
};

type Pending = { readonly resolve: (result: RunResult) => void; readonly reject: (error: Error) => void };

const OPEN_TIMEOUT_MS = 600_000;
const RUN_TIMEOUT_MS = 120_000;
const CLOSE_TIMEOUT_MS = 1_500;
const WORKER = new URL('./interpreter-worker.ts', import.meta.url);

/** One worker thread with one interpreter, seen from the event loop. */
export class InterpreterHost {
  readonly bundle: Bundle;
  readonly kind: InterpreterKind;
  readonly picture: PictureShape;
  /** Pictures that one run answers about; their values come one after the other. */
  readonly regions: number;
  /** Resolves with the reason when the thread is gone, also after {@link close}. */
  readonly gone: Promise<Error>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #runTimeoutMs: number;
  #lastId = 0;
  #reason: Error | null = null;

  private constructor(
    options: HostOptions,
    worker: Worker,
    gone: Promise<Error>,
    { picture, regions }: Pick<InterpreterHost, 'picture' | 'regions'>,
  ) {
    this.bundle = options.bundle;
    this.kind = options.kind;
    this.picture = picture;
    this.regions = regions;
    this.gone = gone;
    this.#worker = worker;
    this.#runTimeoutMs = options.runTimeoutMs ?? RUN_TIMEOUT_MS;
    worker.on('message', (reply: WorkerReply) => this.#receive(reply));
    void gone.then((reason) => {
      this.#reason ??= reason;
      for (const { reject } of this.#pending.values()) reject(this.#reason);
      this.#pending.clear();
    });
  }

  /**
   * Starts a thread and loads the bundle in it.
   *
   * @throws BlindsightError with a BUNDLE_ code where the bundle is refused, FHE_WORKER where the thread ends or takes too long
   */
  static async open(options: HostOptions): Promise<InterpreterHost> {
    const { bundle, kind, threads, signal } = options;
    signal?.throwIfAborted();
    const selfTest = options.selfTest ? (bundle.manifest.selfTest[kind] ?? null) : null;
    if (options.selfTest && selfTest === null) {
      throw new BlindsightError(
        'BUNDLE_SELF_TEST',
        `the bundle has no self-test for the ${kind} interpreter`,
      );
    }
    const worker = new Worker(options.workerFile ?? WORKER, { name: 'interpreter' });
    const gone = watch(worker);
    const opened = Promise.withResolvers<WorkerReply>();
    worker.once('message', opened.resolve);
    void gone.then(opened.reject);
    const stop = (error: unknown) => {
      opened.reject(error);
      void worker.terminate();
    };
    const timeoutMs = options.openTimeoutMs ?? OPEN_TIMEOUT_MS;
    const timer = setTimeout(
      () => stop(workerError(`loading took longer than ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const abort = () => stop(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const { directory, manifest } = bundle;
      const request: WorkerRequest = {
        type: 'open',
        directory,
        parts: manifest.parts,
        kind,
        threads,
        selfTest,
      };
      worker.postMessage(request);
      const reply = await opened.promise;
      if (reply.type === 'opened') return new InterpreterHost(options, worker, gone, reply);
      await worker.terminate();
      if (reply.type === 'refused') throw new BlindsightError(reply.code, reply.message);
      throw workerError('unexpected reply');
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  get closed(): boolean {
    return this.#reason !== null;
  }

  /**
   * Encrypts a picture and runs the program on it.
   *
   * @param values moved to the worker: unusable afterwards
   * @throws BlindsightError FHE_WORKER where the interpreter fails, the thread ends or takes too long
   */
  async run(values: Float32Array<ArrayBuffer>): Promise<RunResult> {
    if (this.#reason !== null) throw this.#reason;
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
    this.#pending.set(id, { resolve, reject });
    const timer = setTimeout(() => {
      this.#reason ??= workerError(`a run took longer than ${this.#runTimeoutMs / 1000} s`);
      void this.#worker.terminate();
    }, this.#runTimeoutMs);
    const request: WorkerRequest = { type: 'run', id, values };
    this.#worker.postMessage(request, [values.buffer]);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  /** Lets the interpreter free what it holds, then ends the thread; a busy one is ended at once. */
  async close(): Promise<void> {
    const busy = this.#pending.size > 0;
    this.#reason ??= workerError('the interpreter was closed');
    if (!busy) {
      this.#worker.postMessage({ type: 'close' } satisfies WorkerRequest);
      const timer = setTimeout(() => void this.#worker.terminate(), CLOSE_TIMEOUT_MS);
      await this.gone;
      clearTimeout(timer);
    }
    await this.#worker.terminate();
  }

  #receive(reply: WorkerReply): void {
    if (reply.type === 'answer') {
      this.#pending.get(reply.id)?.resolve({ ciphertext: reply.ciphertext, timings: reply.timings });
    } else if (reply.type === 'failed') {
      this.#pending.get(reply.id)?.reject(workerError(reply.message));
    }
  }
}

function workerError(message: string, cause?: unknown): BlindsightError {
  return new BlindsightError('FHE_WORKER', message, { cause });
}

function watch(worker: Worker): Promise<Error> {
  const { promise, resolve } = Promise.withResolvers<Error>();
  worker.on('error', (error: Error) => resolve(workerError(`the thread failed: ${error.message}`, error)));
  worker.once('exit', (code) => resolve(workerError(`the thread ended (${code})`)));
  return promise;
}
