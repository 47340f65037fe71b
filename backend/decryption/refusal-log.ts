import { REFUSALS, type Refusal, refusalCode } from '#protocol/refusals.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { RareLines } from '#runtime/rare-lines.ts';
import type { Store } from '../store/store.ts';

/** Makes refusals visible to operators, rarely for each gateway and reason. Every one of them is counted elsewhere. */
export class RefusalLog {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #rare: RareLines;

  constructor(store: Store, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#rare = new RareLines(clock);
  }

  async add(gateway: string, reason: Refusal): Promise<void> {
    const count = this.#rare.take(`${gateway} ${reason}`);
    if (count === 0) return;
    const message = `an answer under the name of ${gateway} was refused (${reason}): ${REFUSALS[reason].meaning}`;
    this.#log.warn({ gateway, reason, count }, message);
    await this.#store.journal.add({
      timeMs: this.#clock.now(),
      level: 'warn',
      code: refusalCode(reason),
      subject: gateway,
      because: gateway,
      message,
    });
  }
}
