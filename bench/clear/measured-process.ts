import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { quantile } from '#backend/evaluation/quantile.ts';
import { BlindsightError, ERRORS, type ErrorCode } from '#protocol/errors.ts';
import type { Finished, Frames, Opened, Reply, Request, Subject } from './messages.ts';

/** What frames of one form of a network took. */
export type FrameFigures = {
  readonly medianMs: number;
  readonly frames: number;
  /** Processor time of all threads for one frame. */
  readonly processorMs: number;
};

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

/** A process that runs one form of a network. */
export class MeasuredProcess {
  readonly opened: Opened;
  readonly #child: ChildProcess;
  readonly #latencies: number[] = [];
  #processorMs = 0;

  private constructor(child: ChildProcess, opened: Opened) {
    this.#child = child;
    this.opened = opened;
  }

  /** @throws BlindsightError with the code that the process reports; the signal's reason */
  static async open(
    subject: Subject,
    pictures: readonly Float32Array[],
    signal?: AbortSignal,
  ): Promise<MeasuredProcess> {
    const child = fork(CHILD, [], {
      ...{ serialization: 'advanced', execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
      ...(signal && { signal, killSignal: 'SIGKILL' }),
    });
    try {
      return new MeasuredProcess(
        child,
        (await ask(child, { type: 'open', subject, pictures }, signal)) as Opened,
      );
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Answers pictures one after the other for so long. */
  async run(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const { latenciesMs, processorMs } = (await ask(
      this.#child,
      { type: 'frames', milliseconds },
      signal,
    )) as Frames;
    for (const latency of latenciesMs) this.#latencies.push(latency);
    this.#processorMs += processorMs;
  }

  /** Of all frames so far. */
  get figures(): FrameFigures {
    const frames = this.#latencies.length;
    return {
      medianMs: quantile(Float64Array.from(this.#latencies), 0.5),
      frames,
      processorMs: this.#processorMs / frames,
    };
  }

  /** The answer to every picture, and the memory that all of it took. */
  async finish(signal?: AbortSignal): Promise<Finished> {
    return (await ask(this.#child, { type: 'finish' }, signal)) as Finished;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

async function ask(
  child: ChildProcess,
  request: Request,
  signal?: AbortSignal,
): Promise<Opened | Frames | Finished> {
  const settled = new AbortController();
  const ended = once(child, 'exit', { signal: settled.signal }).then(([code, killed]) => {
    signal?.throwIfAborted();
    throw new Error(`a process that measures ended by itself (${code ?? killed})`);
  });
  const answered = once(child, 'message', { signal: settled.signal });
  child.send(request);
  try {
    const [reply] = (await Promise.race([answered, ended])) as [Reply];
    if ('result' in reply) return reply.result;
    if (reply.code !== null && reply.code in ERRORS)
      throw new BlindsightError(reply.code as ErrorCode, reply.failure);
    throw new Error(reply.failure);
  } finally {
    settled.abort();
    await Promise.allSettled([answered, ended]);
  }
}
