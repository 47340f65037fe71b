import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import type { Store } from '../store/store.ts';
import { REFUSALS, type Refusal } from './refusals.ts';

/** At most one entry a minute for each gateway and reason: who floods with forgeries must not flood the journal. */
const QUIET_MS = 60_000;
const MAX_KEYS = 1024;

/** Makes refusals visible to operators. Every one of them is counted elsewhere. */
export class RefusalLog {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #lastMs = new Map<string, number>();

  constructor(store: Store, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  async add(gateway: string, reason: Refusal): Promise<void> {
    const key = `${gateway} ${reason}`;
    const now = this.#clock.monotonic();
    const last = this.#lastMs.get(key);
    if (last !== undefined && now - last < QUIET_MS) return;
    if (this.#lastMs.size >= MAX_KEYS) this.#lastMs.clear();
    this.#lastMs.set(key, now);
    const message = `an answer under the name of ${gateway} was refused: ${REFUSALS[reason]}`;
    this.#log.warn({ gateway, reason }, message);
    await this.#store.journal.add({
      timeMs: this.#clock.now(),
      level: 'warn',
      code: `REFUSED_${reason.toUpperCase().replaceAll('-', '_')}`,
      subject: gateway,
      message,
    });
  }
}
