import type { SiteState } from '#protocol/api.ts';
import { BlindsightError } from '#protocol/errors.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Store } from './store.ts';
import { isStoreTrouble, type StoreTrouble } from './store-trouble.ts';

type Present = NonNullable<SiteState['trouble']> & Pick<StoreTrouble, 'code'>;

export type StoreWatchOptions = {
  readonly clock: Clock;
  readonly log: Logger;
  /** Folder on the disk of the store, and whether that disk is nearly full; null where the store is not on a disk of this machine. */
  readonly disk: { readonly folder: string; readonly isLow: () => Promise<boolean> } | null;
};

const LOOK_MS = 2_000;
/** At the very end of a disk a write succeeds now and then: trouble is over after this long without a failure. */
const CALM_MS = 10_000;

/**
 * Whether the store can be used. Trouble is reported once when it begins and once when it ends, in the log and, as soon as it can be
 * written, in the journal; page, health and metrics show it while it lasts.
 */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  readonly #quiet: Logger;
  #present: Present | null = null;
  #failedMs = 0;
  #failures = 0;
  #onChange: () => void = () => {};
  #lastState: SiteState | null = null;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
    this.#quiet = quiet(options.log);
  }

  /** Null while all is well. */
  get trouble(): NonNullable<SiteState['trouble']> | null {
    return this.#present;
  }

  /** A log for everybody else: it drops lines about an error that this watch already reported. */
  get log(): Logger {
    return this.#quiet;
  }

  /** Sets who is notified when trouble begins or ends. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Reports that something failed because of the store. */
  readonly failed = ({ code, message }: StoreTrouble): void => {
    const { clock, log } = this.#options;
    this.#failedMs = clock.monotonic();
    this.#failures++;
    if (this.#present?.code === code) return;
    this.#present = { code, message, since: new Date(clock.now()).toISOString() };
    log.error({ code }, message);
    this.#onChange();
  };

  /** Looks at disk and store every few seconds until the signal aborts. */
  async run(store: Store, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(store).catch((err: unknown) =>
        this.#quiet.warn({ err }, 'the store cannot be monitored'),
      );
      await this.#options.clock.sleep(LOOK_MS, signal).catch(() => {});
    }
  }

  async look(store: Store): Promise<void> {
    const { clock, disk } = this.#options;
    if (disk !== null && (await disk.isLow())) {
      const message = `the disk of the backend is full or nearly so (${disk.folder}): no answers are accepted, gateways keep theirs`;
      this.failed(new BlindsightError('DISK_FULL', message) as StoreTrouble);
      return;
    }
    // Notices a database, or a queue beside it, that does not answer even when nobody else asks.
    await store.inbox.count().catch((error: unknown) => {
      if (isStoreTrouble(error)) this.failed(error);
      throw error;
    });
    if (this.#present === null || clock.monotonic() - this.#failedMs < CALM_MS) return;
    await this.#over(this.#present, store);
  }

  async #over({ code, since, message }: Present, store: Store): Promise<void> {
    const { clock, log } = this.#options;
    const text = `the store works again; the trouble since ${since} was: ${message}`;
    await store.journal.add({ timeMs: clock.now(), level: 'warn', code, subject: 'backend', message: text });
    log.info({ code, failures: this.#failures }, text);
    this.#present = null;
    this.#failures = 0;
    this.#onChange();
  }

  /** Adds the trouble to the state of the site; while the store does not answer, to the last state that could be read. */
  async state(read: () => Promise<SiteState>): Promise<SiteState> {
    try {
      this.#lastState = await read();
    } catch (error) {
      if (!isStoreTrouble(error) || this.#lastState === null) throw error;
    }
    return { ...this.#lastState, ...(this.#present !== null && { trouble: this.#present }) };
  }
}

function quiet(log: Logger): Logger {
  const result = Object.create(log) as Logger;
  for (const level of ['warn', 'error'] as const) {
    result[level] = ((...parts: Parameters<Logger['error']>) => {
      const [first] = parts as [unknown];
      const error = typeof first === 'object' && first !== null && 'err' in first ? first.err : null;
      if (!isStoreTrouble(error)) log[level](...parts);
    }) as Logger['error'];
  }
  return result;
}
