import type { Clock } from '#runtime/clock.ts';
import type { Act, AuditLog } from './audit-log.ts';

/** Entries a minute about what strangers can cause as often as they like. */
const ENTRIES_A_MINUTE = 10;
const MINUTE_MS = 60_000;
const MAX_ADDRESSES = 20;

type Rest = { count: number; readonly addresses: Set<string>; readonly outcomes: Set<string> };

/**
 * Notes refusals and failed log-ins: ten a minute one by one, and what is beyond as one entry with their number. A flood must neither fill the disk nor bury what
 * matters.
 */
export class FloodBound {
  readonly #audit: AuditLog;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  #minute = -1;
  #used = 0;
  #timer: NodeJS.Timeout | undefined;
  #rest: Rest = { count: 0, addresses: new Set(), outcomes: new Set() };

  constructor(audit: AuditLog, clock: Clock, onError: (error: unknown) => void) {
    this.#audit = audit;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Notes a refusal, or counts it. Never throws: nothing happened, and nothing depends on it. */
  async note(act: Act, outcome: string, address: string): Promise<void> {
    const minute = Math.floor(this.#clock.monotonic() / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#used = 0;
      await this.flush();
    }
    this.#used += 1;
    if (this.#used <= ENTRIES_A_MINUTE) {
      const noted = { ...act, details: { ...act.details, address } };
      return this.#audit.note(noted, outcome).catch(this.#onError);
    }
    this.#rest.count += 1;
    // Also where nothing follows that would bring it to mind.
    this.#timer ??= setTimeout(() => void this.flush(), MINUTE_MS).unref();
    this.#rest.outcomes.add(outcome);
    if (this.#rest.addresses.size < MAX_ADDRESSES) this.#rest.addresses.add(address);
  }

  /** Notes what was only counted so far. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { count, addresses, outcomes } = this.#rest;
    if (count === 0) return;
    this.#rest = { count: 0, addresses: new Set(), outcomes: new Set() };
    const details = { count, addresses: [...addresses], outcomes: [...outcomes].slice(0, MAX_ADDRESSES) };
    const act: Act = {
      ...{
        actor: 'nobody',
        role: 'none',
        door: 'api',
        act: 'further refused requests',
        subject: '',
        details,
      },
    };
    await this.#audit.note(act, 'refused').catch(this.#onError);
  }
}
