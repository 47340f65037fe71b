import type { RunResult } from '#fhe';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { RetryLadder } from '#runtime/retry.ts';
import type { Bundle } from './bundle.ts';
import type { InterpreterHost } from './interpreter-host.ts';

export type RunnerOptions = {
  /** Opens a bundle that passed its self-test before. */
  readonly open: (bundle: Bundle) => Promise<InterpreterHost>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The interpreter can run, or no longer can. */
  readonly onChange: () => void;
  /** Called when a bundle failed {@link CRASHES} times without an answer in between; it is still retried, slowly. */
  readonly onGiveUp: (bundle: Bundle, reason: Error) => void;
  readonly restartMs?: readonly number[];
};

/** Failures in a row that condemn a bundle. */
export const CRASHES = 3;

const RESTART_MS = [500, 1_000, 5_000, 30_000, 60_000];

/** Keeps the interpreter of the active bundle running: restarts its thread when it dies, and says when that is hopeless. */
export class Runner {
  readonly #options: RunnerOptions;
  #host: InterpreterHost | null = null;
  #failures = 0;
  #restarts = 0;
  #ladder: RetryLadder;
  /** Aborts when another host takes over: tasks of the previous one no longer act. */
  #term = new AbortController();
  readonly #restarting = new Set<Promise<void>>();

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#ladder = this.#newLadder();
  }

  /** The interpreter, while it can run. */
  get host(): InterpreterHost | null {
    return this.#host?.closed === false ? this.#host : null;
  }

  /** How often a thread was restarted. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Opens a bundle that passed its self-test before; it does not run yet. */
  open(bundle: Bundle): Promise<InterpreterHost> {
    return this.#options.open(bundle);
  }

  /** Makes a tested interpreter the one that runs, and ends the one before it. */
  async activate(host: InterpreterHost): Promise<void> {
    const before = this.#host;
    this.#term.abort();
    this.#term = new AbortController();
    this.#failures = 0;
    this.#ladder = this.#newLadder();
    this.#adopt(host);
    await before?.close();
  }

  /**
   * Ends an interpreter and opens its bundle again by the settings of now, for want of memory for both at a time.
   *
   * @throws what opening throws; it is tried again then, as after a crash
   */
  async reopen(host: InterpreterHost): Promise<void> {
    if (host !== this.#host) return;
    this.#term.abort();
    this.#term = new AbortController();
    const { signal } = this.#term;
    await host.close();
    try {
      await this.#openAgain(host.bundle, signal);
    } catch (error) {
      if (!signal.aborted) this.#failed(host.bundle, asError(error));
      throw error;
    }
  }

  /**
   * Runs the active program on a prepared picture; see {@link InterpreterHost.run}.
   *
   * @throws BlindsightError FHE_WORKER if no answer came; the caller counts the lost picture
   */
  async run(host: InterpreterHost, picture: Uint8Array, seed: Uint8Array | null = null): Promise<RunResult> {
    try {
      const result = await host.run(picture, seed);
      if (host === this.#host) {
        this.#failures = 0;
        this.#ladder.reset();
      }
      return result;
    } catch (error) {
      // A program that fails on one picture fails on the next: the thread is restarted in case its memory is corrupt.
      if (host === this.#host) await host.close(asError(error));
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#term.abort();
    const host = this.#host;
    this.#host = null;
    await host?.close();
    await Promise.all(this.#restarting);
  }

  #adopt(host: InterpreterHost): void {
    this.#host = host;
    const { signal } = this.#term;
    void host.gone.then((reason) => {
      if (signal.aborted) return;
      this.#options.onChange();
      this.#failed(host.bundle, reason);
    });
    this.#options.onChange();
  }

  #failed(bundle: Bundle, reason: Error): void {
    const { log, onGiveUp } = this.#options;
    this.#failures++;
    log.warn({ err: reason, failures: this.#failures }, 'the interpreter stopped');
    const { signal } = this.#term;
    if (this.#failures === CRASHES) onGiveUp(bundle, reason);
    if (signal.aborted) return;
    const restarting = this.#restart(bundle, signal).finally(() => this.#restarting.delete(restarting));
    this.#restarting.add(restarting);
  }

  async #restart(bundle: Bundle, signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(this.#ladder.next(), signal).catch(() => {});
    if (signal.aborted) return;
    try {
      await this.#openAgain(bundle, signal);
      this.#restarts++;
    } catch (error) {
      if (!signal.aborted) this.#failed(bundle, asError(error));
    }
  }

  async #openAgain(bundle: Bundle, signal: AbortSignal): Promise<void> {
    const host = await this.#options.open(bundle);
    if (signal.aborted) await host.close();
    else this.#adopt(host);
  }

  #newLadder(): RetryLadder {
    return new RetryLadder(this.#options.restartMs ?? RESTART_MS);
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
