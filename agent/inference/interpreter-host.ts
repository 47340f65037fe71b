import type { PictureShape, RunResult } from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import type { Manifest } from '#protocol/manifest.ts';
import { TaskThread } from '#runtime/threads/task-thread.ts';
import type { Bundle, InterpreterKind } from './bundle.ts';
import type { OpenedProgram, SelfTest, WorkerRequest } from './worker-messages.ts';

export type HostOptions = {
  readonly bundle: Bundle;
  readonly kind: InterpreterKind;
  readonly threads: number;
  /** Runs the self-test before the bundle counts as opened. */
  readonly selfTest: boolean;
  /** A thread that takes longer is terminated, in milliseconds. */
  readonly openTimeoutMs?: number;
  readonly runTimeoutMs?: number;
  readonly signal?: AbortSignal;
  /** A different worker file, for tests. */
  readonly workerFile?: URL;
};

const OPEN_TIMEOUT_MS = 600_000;
const RUN_TIMEOUT_MS = 120_000;
const CLOSE_TIMEOUT_MS = 1_500;
const WORKER = new URL('./interpreter-worker.ts', import.meta.url);

/** One worker thread with one interpreter, seen from the event loop. */
export class InterpreterHost {
  readonly bundle: Bundle;
  readonly kind: InterpreterKind;
  readonly threads: number;
  readonly picture: PictureShape;
  /** Pictures per run; their values are concatenated. */
  readonly regions: number;
  /** Resolves with the reason when the thread is gone, even after {@link close}. */
  readonly gone: Promise<Error>;
  readonly #thread: TaskThread;
  readonly #runTimeoutMs: number;
  #running = 0;
  #reason: Error | null = null;

  private constructor(
    { bundle, kind, threads, runTimeoutMs }: HostOptions,
    thread: TaskThread,
    gone: Promise<Error>,
    { picture, regions }: OpenedProgram,
  ) {
    this.bundle = bundle;
    this.kind = kind;
    this.threads = threads;
    this.picture = picture;
    this.regions = regions;
    this.#thread = thread;
    this.#runTimeoutMs = runTimeoutMs ?? RUN_TIMEOUT_MS;
    this.gone = gone.then((reason) => {
      this.#reason ??= workerError(reason);
      return this.#reason;
    });
  }

  /**
   * Starts a thread and loads the bundle in it.
   *
   * @throws BlindsightError with a BUNDLE_ code if the bundle is refused, FHE_WORKER if the thread ends or takes too long
   */
  static async open(options: HostOptions): Promise<InterpreterHost> {
    const { bundle, kind, threads, signal } = options;
    signal?.throwIfAborted();
    const { directory, manifest } = bundle;
    const selfTest = options.selfTest ? chooseSelfTest(manifest, kind) : null;
    if (options.selfTest && selfTest === null) {
      throw new BlindsightError(
        'BUNDLE_SELF_TEST',
        `the bundle has no self-test for the ${kind} interpreter`,
      );
    }
    const thread = new TaskThread('interpreter', options.workerFile ?? WORKER);
    const { gone } = thread.start();
    const { parts } = manifest;
    const request: WorkerRequest = { type: 'open', directory, parts, kind, threads, selfTest };
    try {
      const opened = await thread.run<OpenedProgram>(request, {
        timeoutMs: options.openTimeoutMs ?? OPEN_TIMEOUT_MS,
        ...(signal && { signal }),
      });
      return new InterpreterHost(options, thread, gone, opened);
    } catch (error) {
      await thread.close();
      const stopped = error instanceof BlindsightError && error.code === 'WORKER_FAILED';
      throw stopped ? workerError(error) : error;
    }
  }

  get closed(): boolean {
    return this.#reason !== null;
  }

  /**
   * Encrypts a picture and runs the program on it.
   *
   * @param picture bytes of as many prepared pictures as the network takes; copied, and the copy is wiped
   * @param seed 32 bytes that the answer follows from with the picture (engine only); copied like it
   * @throws BlindsightError FHE_WORKER if the interpreter fails, or the thread ends or takes too long
   */
  async run(picture: Uint8Array, seed: Uint8Array | null = null): Promise<RunResult> {
    if (this.#reason !== null) throw this.#reason;
    const request: WorkerRequest = { type: 'run', picture, seed };
    this.#running++;
    try {
      return await this.#thread.run<RunResult>(request, { timeoutMs: this.#runTimeoutMs });
    } catch (error) {
      const failure = workerError(error);
      // The thread is never restarted: a new one would not have the program.
      if (error instanceof BlindsightError && error.code === 'WORKER_FAILED') this.#reason ??= failure;
      throw failure;
    } finally {
      this.#running--;
    }
  }

  /** Lets the interpreter free what it holds, then ends the thread; a busy one is ended immediately. */
  async close(): Promise<void> {
    const ended = this.#reason !== null;
    this.#reason ??= new BlindsightError('FHE_WORKER', 'the interpreter was closed');
    if (this.#running === 0 && !ended) {
      const request: WorkerRequest = { type: 'close' };
      await this.#thread.run(request, { timeoutMs: CLOSE_TIMEOUT_MS }).catch(() => undefined);
    }
    await this.#thread.close();
    await this.gone;
  }
}

/**
 * The test of a bundle that an interpreter shall run: its own, or else that of the engine. Further keys of a network have only that one, and their owner has
 * seen both interpreters agree on the first: what is left to prove is that program, constants and keys are whole.
 */
function chooseSelfTest({ selfTest }: Manifest, kind: InterpreterKind): SelfTest | null {
  const own = selfTest[kind];
  if (own !== undefined) return { kind, sha256: own };
  return selfTest.engine === undefined ? null : { kind: 'engine', sha256: selfTest.engine };
}

function workerError(cause: unknown): BlindsightError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new BlindsightError('FHE_WORKER', message, { cause });
}
