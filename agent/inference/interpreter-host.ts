import { MessageChannel } from 'node:worker_threads';
import type { PictureShape, RunResult } from '#fhe';
import { BlindsightError } from '#protocol/errors.ts';
import type { Manifest } from '#protocol/manifest.ts';
import { TaskThread } from '#runtime/threads/task-thread.ts';
import type { Bundle, InterpreterKind } from './bundle.ts';
import type { AnswerRoom, Opened, OpenProgress, SelfTest, WorkerRequest } from './worker-messages.ts';

export type HostOptions = {
  readonly bundle: Bundle;
  readonly kind: InterpreterKind;
  readonly threads: number;
  /** Most memory of the engine; as much as WebAssembly has where left out. */
  readonly memoryBytes?: number;
  /** Whether what does not fit into it is read from disk for every picture, and not refused; true where left out. */
  readonly mayUseDisk?: boolean;
  /** Told now and then which share of the bundle is loaded, 0 to 1. */
  readonly onProgress?: (share: number) => void;
  /** Runs the self-test before the bundle counts as opened. */
  readonly selfTest: boolean;
  /** A thread that makes no progress for so long is terminated, in milliseconds. */
  readonly openTimeoutMs?: number;
  readonly runTimeoutMs?: number;
  readonly signal?: AbortSignal;
  /** A different worker file, for tests. */
  readonly workerFile?: URL;
};

const OPEN_TIMEOUT_MS = 600_000;
/** The engine itself finds threads that died within seconds; beyond a slow disk, whose progress is seen, this is for what nobody thought of. */
const RUN_TIMEOUT_MS = 300_000;
const CLOSE_TIMEOUT_MS = 1_500;
/** For so long after two pictures were under way at a time, the next one leaves half of the threads to another that will come. */
const BUSY_MS = 250;
const WORKER = new URL('./interpreter-worker.ts', import.meta.url);

/** A thread, and how many pictures it has. */
type LaneThread = { readonly thread: TaskThread; readonly gone: Promise<Error>; pictures: number };

/**
 * An interpreter in worker threads, seen from the event loop. The engine has two lanes where it has two threads: a picture that is alone is worked on by all
 * threads; of two at a time each has its share of them, as threads on one picture wait for each other.
 */
export class InterpreterHost {
  readonly bundle: Bundle;
  readonly kind: InterpreterKind;
  readonly threads: number;
  /** Memory that the engine took, in bytes; 0 for the reference interpreter. */
  readonly usedBytes: number;
  readonly picture: PictureShape;
  /** Pictures per run; their values are concatenated. */
  readonly regions: number;
  /** Answers that have room in one ciphertext, and their ring. */
  readonly places: number;
  readonly answerRing: AnswerRoom['answerRing'];
  /** Resolves with the reason when its threads are gone, even after {@link close}. */
  readonly gone: Promise<Error>;
  readonly #lanes: readonly LaneThread[];
  readonly #runTimeoutMs: number;
  readonly #diskUse: Float64Array | null;
  #reason: Error | null = null;
  /** When two pictures were last under way at a time. */
  #busyMs = Number.NEGATIVE_INFINITY;

  private constructor(
    { bundle, kind, threads, runTimeoutMs }: HostOptions,
    lanes: readonly LaneThread[],
    { picture, regions, places, answerRing, usedBytes, diskUse }: Opened,
  ) {
    this.bundle = bundle;
    this.kind = kind;
    this.threads = threads;
    this.usedBytes = usedBytes;
    this.#diskUse = diskUse;
    this.picture = picture;
    this.regions = regions;
    this.places = places;
    this.answerRing = answerRing;
    this.#lanes = lanes;
    this.#runTimeoutMs = runTimeoutMs ?? RUN_TIMEOUT_MS;
    this.gone = this.#watch();
  }

  /**
   * Starts the threads and loads the bundle in them.
   *
   * @throws BlindsightError with a BUNDLE_ code if the bundle is refused, FHE_MEMORY or FHE_DISK if the machine cannot run it, NETWORK_MEMORY if
   * it does not fit into its memory and may not use the disk, FHE_WORKER if a thread ends or takes too long
   */
  static async open(options: HostOptions): Promise<InterpreterHost> {
    const { bundle, kind, threads, signal, memoryBytes = null, mayUseDisk = true, onProgress } = options;
    signal?.throwIfAborted();
    const { directory, manifest } = bundle;
    const selfTest = options.selfTest ? chooseSelfTest(manifest, kind) : null;
    if (options.selfTest && selfTest === null) {
      throw new BlindsightError(
        'BUNDLE_SELF_TEST',
        `the bundle has no self-test for the ${kind} interpreter`,
      );
    }
    const script = options.workerFile ?? WORKER;
    const first = startLane('interpreter', script);
    const lanes = [first];
    const limits = { timeoutMs: options.openTimeoutMs ?? OPEN_TIMEOUT_MS, ...(signal && { signal }) };
    const { parts } = manifest;
    const { port1: laneTo, port2: laneFrom } = new MessageChannel();
    const request: WorkerRequest = {
      ...{ laneTo: kind === 'engine' && threads > 1 ? laneTo : null },
      ...{ type: 'open', directory, parts, kind, threads, memoryBytes, mayUseDisk, selfTest },
    };
    let diskUse: Float64Array | null = null;
    const told = (progress: OpenProgress): void => {
      if (typeof progress === 'number') onProgress?.(progress);
      else diskUse = progress;
    };
    try {
      const opened = await first.thread.run<Opened>(request, {
        ...limits,
        ...(request.laneTo !== null && { transfer: [laneTo] }),
        onProgress: (progress) => told(progress as OpenProgress),
        progressOf: () => diskUse?.[1],
      });
      if (opened.isShared) {
        const second = startLane('interpreter-2', script);
        lanes.push(second);
        const { picture, regions } = opened;
        const program = { picture, regions };
        const join: WorkerRequest = { type: 'join', program, laneFrom, threads: Math.floor(threads / 2) };
        await second.thread.run(join, { ...limits, transfer: [laneFrom] });
      }
      return new InterpreterHost(options, lanes, opened);
    } catch (error) {
      for (const { thread } of lanes) await thread.close();
      const stopped = error instanceof BlindsightError && error.code === 'WORKER_FAILED';
      throw stopped ? workerError(error) : error;
    } finally {
      for (const port of [laneTo, laneFrom]) port.close();
    }
  }

  /** Whether constants or keys are read from disk for every picture. */
  get readsDisk(): boolean {
    return this.#diskUse !== null;
  }

  /** What was read from disk for pictures, in bytes: grows while one is under way. */
  get bytesRead(): number {
    return this.#diskUse?.[1] ?? 0;
  }

  get closed(): boolean {
    return this.#reason !== null;
  }

  /** How many pictures it can work on at a time; more of them wait. */
  get lanes(): number {
    return this.#lanes.length;
  }

  /**
   * Encrypts a picture and runs the program on it.
   *
   * @param picture bytes of as many prepared pictures as the network takes; copied, and the copy is wiped
   * @param seed 32 bytes that the answer follows from with the picture (engine only); copied like it
   * @throws BlindsightError FHE_DISK if constants on disk cannot be read or were changed; FHE_WORKER if the interpreter fails otherwise, or a thread
   * ends or takes too long
   */
  async run(picture: Uint8Array, seed: Uint8Array | null = null): Promise<RunResult> {
    if (this.#reason !== null) throw this.#reason;
    const lane = this.#lanes.reduce((best, next) => (next.pictures < best.pictures ? next : best));
    const now = performance.now();
    if (this.#lanes.some(({ pictures }) => pictures > 0)) this.#busyMs = now;
    const isAlone = now - this.#busyMs > BUSY_MS;
    const threads = isAlone ? this.threads : Math.ceil(this.threads / this.#lanes.length);
    const request: WorkerRequest = { type: 'run', picture, seed, threads };
    lane.pictures++;
    try {
      const limits = { timeoutMs: this.#runTimeoutMs, progressOf: () => this.bytesRead };
      return await lane.thread.run<RunResult>(request, limits);
    } catch (error) {
      const failure = workerError(error);
      // The threads are never restarted: new ones would not have the program.
      if (error instanceof BlindsightError && error.code === 'WORKER_FAILED') this.#reason ??= failure;
      throw failure;
    } finally {
      lane.pictures--;
    }
  }

  /**
   * Lets the interpreter free what it holds, then ends the threads; a busy one is ended immediately.
   *
   * @param reason that {@link gone} resolves with
   */
  async close(reason?: Error): Promise<void> {
    const ended = this.#reason !== null;
    this.#reason ??= reason ?? new BlindsightError('FHE_WORKER', 'the interpreter was closed');
    if (!ended && this.#lanes.every(({ pictures }) => pictures === 0)) {
      const request: WorkerRequest = { type: 'close' };
      for (const { thread } of this.#lanes.toReversed())
        await thread.run(request, { timeoutMs: CLOSE_TIMEOUT_MS }).catch(() => undefined);
    }
    await this.#end();
    await this.gone;
  }

  /** One thread without the other is no interpreter. */
  async #watch(): Promise<Error> {
    const reason = await Promise.race(this.#lanes.map(({ gone }) => gone));
    this.#reason ??= workerError(reason);
    await this.#end();
    await Promise.all(this.#lanes.map(({ gone }) => gone));
    return this.#reason;
  }

  async #end(): Promise<void> {
    await Promise.all(this.#lanes.map(({ thread }) => thread.close()));
  }
}

function startLane(name: string, script: URL): LaneThread {
  const thread = new TaskThread(name, script);
  return { thread, ...thread.start(), pictures: 0 };
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
  if (cause instanceof BlindsightError && cause.code === 'FHE_DISK') return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new BlindsightError('FHE_WORKER', message, { cause });
}
