import type { Clock } from '#runtime/clock.ts';

/**
 * Tells when times that are kept in the store are over, though the wall clock may be set back: none lasts longer than its limit after this
 * process saw it first.
 */
export class TimeLimits {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #ends = new Map<string, number>();

  constructor(clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#clock = clock;
  }

  /** @param limitMs that the end was computed with */
  isOver(key: string, endMs: number, limitMs: number): boolean {
    const leftMs = endMs - this.#clock.now();
    const nowMs = this.#clock.monotonic();
    const latestMs = this.#ends.get(key) ?? nowMs + Math.min(leftMs, limitMs);
    this.#ends.set(key, latestMs);
    return leftMs <= 0 || nowMs >= latestMs;
  }

  /** Forgets what does not begin with any of these. */
  keep(prefixes: readonly string[]): void {
    for (const key of this.#ends.keys()) {
      if (!prefixes.some((prefix) => key.startsWith(prefix))) this.#ends.delete(key);
    }
  }
}
