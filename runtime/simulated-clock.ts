import type { Clock } from './clock.ts';

type Sleeper = { readonly at: number; readonly order: number; readonly wake: () => void };

/** A clock that stands still until a test advances it. */
export class SimulatedClock implements Clock {
  #now: number;
  #elapsed = 0;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#now = nowMs;
  }

  /** Whole milliseconds, as the clock of the system has them. */
  now(): number {
    return Math.floor(this.#now);
  }

  monotonic(): number {
    return this.#elapsed;
  }

  /** How many sleeps are pending: lets a test wait until the code under test has gone to sleep. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper: Sleeper = { at: this.#elapsed + Math.max(0, ms), order: this.#order++, wake };
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** Lets `ms` milliseconds pass: wakes sleepers in order of time and lets what they start run before the next one wakes. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (;;) {
      const next = [...this.#sleepers].sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!next || next.at > end) break;
      this.#move(next.at);
      this.#sleepers.delete(next);
      next.wake();
      await settle();
    }
    this.#move(end);
  }

  /** Sets the wall clock without letting time pass, as an NTP correction does. */
  jump(nowMs: number): void {
    this.#now = nowMs;
  }

  #move(elapsed: number): void {
    this.#now += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }
}

/** Runs pending promise callbacks and immediates. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
