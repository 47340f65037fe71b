import { Worker } from 'node:worker_threads';
import { CurrentInput } from './current-input.ts';
import type { Outcome } from './fuzzer.ts';
import type { WorkerMessage, WorkerTask } from './worker-messages.ts';

/** For so long a thread may be busy with one input before it is ended: time of the processor, as other programs may leave it none. */
const HANG_MS = 20_000;
const LOOK_MS = 500;
/** Of the heap of a thread: whoever takes more is ended, and told of. */
const HEAP_MEGABYTES = 1_024;

export type Listener = {
  begins(target: string): void;
  progress(target: string, done: number): void;
  ends(target: string, outcome: Outcome): void;
};

/** Fuzzes targets of a family one after the other in a thread, which is replaced where an input hangs it or takes all of its memory. */
export async function runTargets(
  names: readonly string[],
  plan: Omit<WorkerTask, 'names' | 'buffer'>,
  listener: Listener,
): Promise<void> {
  let left = [...names];
  while (left.length > 0) {
    const failed = await runThread(left, plan, {
      ...listener,
      ends: (target, outcome) => {
        left = left.filter((name) => name !== target);
        listener.ends(target, outcome);
      },
    });
    if (failed === null) return;
    const { target, input, message, done } = failed;
    left = left.filter((name) => name !== target);
    const finds = [{ input, verdict: { kind: 'slow', message } as const }];
    listener.ends(target, { inputs: done, finds, interesting: [], functions: 0, idleBlocks: 0 });
  }
}

type Failure = {
  readonly target: string;
  readonly input: Uint8Array;
  readonly message: string;
  readonly done: number;
};

/** @returns null once all targets have ended; otherwise the one that ended the thread */
function runThread(
  names: readonly string[],
  plan: Omit<WorkerTask, 'names' | 'buffer'>,
  listener: Listener,
): Promise<Failure | null> {
  const current = new CurrentInput();
  const task: WorkerTask = { ...plan, names, buffer: current.buffer };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEGABYTES },
  });
  let target = names[0]!;
  let done = 0;
  return new Promise((resolve, reject) => {
    let seen = { count: -1, atMs: 0 };
    const failure = (message: string): Failure => ({ target, input: current.input, message, done });
    const watch = setInterval(() => {
      const { user, system } = process.cpuUsage();
      const now = (user + system) / 1000;
      if (current.count !== seen.count) seen = { count: current.count, atMs: now };
      else if (current.count > 0 && now - seen.atMs > HANG_MS) {
        resolve(failure(`an input takes longer than ${HANG_MS / 1000} s`));
        void worker.terminate();
      }
    }, LOOK_MS);
    worker.on('message', (message: WorkerMessage) => {
      // Seeds are made and finds minimized in between.
      seen = { count: -1, atMs: 0 };
      if (message.kind === 'begins') {
        ({ target } = message);
        done = 0;
        listener.begins(target);
      } else if (message.kind === 'progress') {
        ({ done } = message);
        listener.progress(target, done);
      } else listener.ends(message.target, message.outcome);
    });
    worker.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY')
        resolve(failure(`an input takes more than ${HEAP_MEGABYTES} MB`));
      else reject(error);
    });
    worker.on('exit', () => {
      clearInterval(watch);
      resolve(null);
    });
  });
}
