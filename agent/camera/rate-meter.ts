const WINDOW_MS = 10_000;

/** Events a second over the last ten seconds. */
export class RateMeter {
  readonly #monotonic: () => number;
  #times: number[] = [];

  /** @param monotonic milliseconds that never go backwards */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  mark(): void {
    this.#times.push(this.#monotonic());
    if (this.#times.length > 1000) this.#trim();
  }

  /** Events a second, rounded to one decimal. */
  get perSecond(): number {
    this.#trim();
    return Math.round((this.#times.length * 10_000) / WINDOW_MS) / 10;
  }

  #trim(): void {
    const oldest = this.#monotonic() - WINDOW_MS;
    this.#times = this.#times.filter((time) => time > oldest);
  }
}
