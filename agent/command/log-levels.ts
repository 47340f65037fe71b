import type { Clock } from '#runtime/clock.ts';
import type { Logger, LogLevel } from '#runtime/log.ts';

/** The level of the log: the configured one, or for a time another. That time does not outlast the process. */
export class LogLevels {
  readonly #log: Logger;
  readonly #clock: Clock;
  #configured: LogLevel;
  #temporary: AbortController | null = null;

  constructor(log: Logger, configured: LogLevel, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#configured = configured;
  }

  get configured(): LogLevel {
    return this.#configured;
  }

  /** Other settings hold; a temporary level stays until its time is over. */
  setConfigured(level: LogLevel): void {
    this.#configured = level;
    if (this.#temporary === null) this.#log.level = level;
  }

  /** Another level for a time, in place of any before. */
  setFor(level: LogLevel, ms: number): void {
    this.#temporary?.abort();
    const temporary = new AbortController();
    this.#temporary = temporary;
    this.#log.level = level;
    this.#clock.sleep(ms, temporary.signal).then(
      () => this.#end(),
      () => {},
    );
  }

  /** Lets nothing wait any more. */
  close(): void {
    this.#temporary?.abort();
  }

  #end(): void {
    this.#temporary = null;
    this.#log.info({ level: this.#configured }, 'the log returns to its configured level');
    this.#log.level = this.#configured;
  }
}
