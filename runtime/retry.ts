/**
 * Waiting times between attempts: climbs the steps and stays on the last one. Each wait is drawn evenly from the upper half of its
 * step, so that many gateways that lost the same broker do not come back together, also on the last step: the step is the cap
 * of the wait, jitter included.
 */
export class RetryLadder {
  readonly #steps: readonly number[];
  readonly #random: () => number;
  #attempt = 0;

  /**
   * @param steps milliseconds, at least one.
   * @param random uniform in [0, 1).
   */
  constructor(steps: readonly number[], random: () => number = Math.random) {
    if (steps.length === 0) throw new RangeError('a retry ladder needs at least one step');
    this.#steps = steps;
    this.#random = random;
  }

  /** Milliseconds to wait before the next attempt: in [step / 2, step). */
  next(): number {
    const step = this.#steps[Math.min(this.#attempt, this.#steps.length - 1)] ?? 0;
    this.#attempt++;
    return step * (0.5 + this.#random() / 2);
  }

  /** Back to the first step, after a success that lasted. */
  reset(): void {
    this.#attempt = 0;
  }
}

/** For cameras: 1 s five times, 5 s five times, 10 s ten times, then 60 s (go2rtc's ladder). */
export function cameraLadder(random?: () => number): RetryLadder {
  return new RetryLadder([...repeat(5, 1_000), ...repeat(5, 5_000), ...repeat(10, 10_000), 60_000], random);
}

/** For the link to the broker: doubles from half a second to half a minute. */
export function linkLadder(random?: () => number): RetryLadder {
  return new RetryLadder([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000], random);
}

function repeat(times: number, ms: number): number[] {
  return Array.from({ length: times }, () => ms);
}
