import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import { isDiskFull } from '#runtime/disk-full.ts';
import type { Logger } from '#runtime/log.ts';

/** Why answers cannot be stored now. */
export type Trouble = { readonly code: 'DISK_FULL' | 'OUTBOX_UNAVAILABLE'; readonly message: string };

export type TroubleListener = (level: 'info' | 'error', code: Trouble['code'], message: string) => void;

/** An almost full disk accepts an answer now and then: it counts as recovered after this long without a failure. */
const CALM_MS = 30_000;

/** The state of a disk that refuses writes: reported once when it begins and once when it is over, not with every answer. */
export class DiskTrouble {
  readonly #directory: string;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #log: Logger;
  #listener: TroubleListener = () => {};
  #present: Trouble | null = null;
  #lost = 0;
  #failedMs = 0;

  constructor(directory: string, clock: Pick<Clock, 'monotonic'>, log: Logger) {
    this.#directory = directory;
    this.#clock = clock;
    this.#log = log;
  }

  /** Null while the disk accepts writes. */
  get present(): Trouble | null {
    return this.#present;
  }

  /** Sets who is notified of the beginning and the end. */
  onChange(listener: TroubleListener): void {
    this.#listener = listener;
  }

  /** A write failed. @param lost answers that are gone with it. @returns the error to throw */
  failed(cause: unknown, lost: number): BlindsightError {
    const trouble = this.#name(cause);
    this.#failedMs = this.#clock.monotonic();
    const isNew = this.#present?.code !== trouble.code;
    this.#present = trouble;
    this.#lost += lost;
    if (isNew) {
      this.#log.error({ code: trouble.code }, trouble.message);
      this.#listener('error', trouble.code, trouble.message);
    }
    return new BlindsightError(trouble.code, trouble.message, { cause });
  }

  /** A write succeeded. */
  worked(): void {
    if (this.#present === null || this.#clock.monotonic() - this.#failedMs < CALM_MS) return;
    const { code } = this.#present;
    const message = `answers can be stored again in ${this.#directory}; lost in the meantime: ${this.#lost}`;
    this.#log.info({ code, lost: this.#lost }, message);
    this.#present = null;
    this.#lost = 0;
    this.#listener('info', code, message);
  }

  #name(cause: unknown): Trouble {
    const directory = this.#directory;
    if (isDiskFull(cause)) {
      const message = `the disk of the gateway is full: answers cannot be stored in ${directory} and are lost until there is space again`;
      return { code: 'DISK_FULL', message };
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    return {
      code: 'OUTBOX_UNAVAILABLE',
      message: `the disk of the gateway refuses answers in ${directory}, and they are lost: ${why}`.slice(
        0,
        500,
      ),
    };
  }
}
