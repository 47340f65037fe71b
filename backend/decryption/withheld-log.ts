import { type Withheld, withheldWords } from '#protocol/withheld.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { MinuteBudget } from '#runtime/minute-budget.ts';
import { RareLines } from '#runtime/rare-lines.ts';
import type { Turn } from '../store/cameras.ts';
import { countWithheld } from '../store/recent-answers.ts';
import type { Store } from '../store/store.ts';

type Names = { readonly gateway: string; readonly camera: string };

/**
 * Makes withheld answers visible to the owner: in the log rarely, with the exact reason; in the journal only when a camera starts or
 * stops showing what the network was not trained for. Every one of them is counted elsewhere.
 */
export class WithheldLog {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #rare: RareLines;
  readonly #budget: MinuteBudget;

  constructor(store: Store, clock: Clock, log: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#rare = new RareLines(clock);
    this.#budget = new MinuteBudget(clock);
  }

  /** @param reason why it was not trusted. */
  add({ gateway, camera }: Names, reason: Withheld): void {
    const count = this.#rare.take(`${camera} ${reason}`);
    if (count === 0) return;
    const message = 'an answer was withheld: usually the network was not trained for such a picture';
    this.#log.warn({ gateway, camera, reason, count }, message);
  }

  /** @param reason of the answer that changed the state; null if that one was not withheld. */
  async turned(
    { gateway, camera }: Names,
    { region, unusual, recent }: Turn,
    reason: Withheld | null,
  ): Promise<void> {
    // A gateway that goes back and forth must not displace the entries of others in the journal.
    if (!this.#budget.take(gateway)) return;
    const what = region === undefined ? `camera ${camera}` : `region ${region} of camera ${camera}`;
    const { withheld, answers } = countWithheld(recent);
    const message = unusual
      ? `${what} shows something the network was not trained for: ${withheld} of its last ${answers} answers were withheld (the last one: ${withheldWords(reason ?? '')})`
      : `${what} no longer shows something the network was not trained for`;
    this.#log.warn({ gateway, camera, region }, message);
    await this.#store.journal.add({
      timeMs: this.#clock.now(),
      level: unusual ? 'warn' : 'info',
      code: unusual ? 'CAMERA_UNUSUAL' : 'CAMERA_USUAL',
      subject: camera,
      because: gateway,
      message,
    });
  }
}
