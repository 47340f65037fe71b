import type { Refusal } from '#protocol/refusals.ts';
import type { Database } from './database.ts';

export type CounterName = 'accepted' | 'duplicates' | 'gaps' | 'late' | 'withheld' | `refused.${Refusal}`;

/** Counters that only grow: accepted, refused by reason, withheld, missed. */
export class CounterStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(name: CounterName, amount = 1): Promise<void> {
    await this.#database.run(
      `INSERT INTO counters (name, value) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value`,
      name,
      amount,
    );
  }

  async all(): Promise<Record<string, number>> {
    const rows = await this.#database.all<{ name: string; value: number }>(
      'SELECT name, value FROM counters ORDER BY name',
    );
    return Object.fromEntries(rows.map((row) => [row.name, row.value]));
  }
}
