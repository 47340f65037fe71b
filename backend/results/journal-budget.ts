import type { Clock } from '#runtime/clock.ts';

const ENTRIES_A_MINUTE = 30;

/** How much of the journal one gateway may fill: entries are kept by number, so who floods it would push out what others left. */
export class JournalBudget {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #used = new Map<string, { minute: number; entries: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Takes one entry of the present minute. @returns false where an enrolled gateway has used all of them. */
  take(gateway: string): boolean {
    const minute = Math.floor(this.#clock.monotonic() / 60_000);
    const before = this.#used.get(gateway);
    const entries = before?.minute === minute ? before.entries : 0;
    if (entries >= ENTRIES_A_MINUTE) return false;
    this.#used.set(gateway, { minute, entries: entries + 1 });
    return true;
  }
}
