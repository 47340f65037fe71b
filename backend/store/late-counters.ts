import { type CounterName, CounterStore } from './counters.ts';

/** Counters that are written at the end of a transaction, each once: everybody counts in the same few rows. */
export class LateCounters extends CounterStore {
  readonly #sums = new Map<CounterName, number>();

  override async add(name: CounterName, amount = 1): Promise<void> {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + amount);
  }

  async write(): Promise<void> {
    for (const [name, amount] of this.#sums) await super.add(name, amount);
    this.#sums.clear();
  }
}
