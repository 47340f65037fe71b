import type { Clock } from './clock.ts';

const WINDOW_MS = 600_000;
/** A broker that is restarted, or a network that changes, ends a connection now and then. */
const SUSPICIOUS = 3;

/**
 * Suspects that another client connects under our name: MQTT then admits the newcomer and closes the older connection without a reason. Seen from
 * here, the other side keeps closing connections and accepting the next one immediately.
 */
export class TakeoverWatch {
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** When we were admitted immediately after our connection was closed. */
  #times: number[] = [];
  #wasEnded = false;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** The connection is gone. @param byPeer the other side ended it, and no fault on the way did */
  ended(byPeer: boolean): void {
    this.#wasEnded = byPeer;
  }

  /** An attempt failed: whoever closed our connection was itself going away. */
  failed(): void {
    this.#wasEnded = false;
  }

  /** We are in. */
  connected(): void {
    if (this.#wasEnded) this.#times = [...this.#recent(), this.#clock.monotonic()];
    this.#wasEnded = false;
  }

  /** How many times within ten minutes, or 0 while that is normal. */
  get count(): number {
    this.#times = this.#recent();
    return this.#times.length >= SUSPICIOUS ? this.#times.length : 0;
  }

  #recent(): number[] {
    const now = this.#clock.monotonic();
    return this.#times.filter((time) => now - time < WINDOW_MS);
  }
}
