import type { Refusal } from '#protocol/refusals.ts';
import type { Database } from './database.ts';

export type CounterName = 'accepted' | 'duplicates' | 'gaps' | 'late' | 'withheld' | `refused.${Refusal}`;

/** So long what the counters were at each hour is kept. */
const KEPT_HOURS = 48;

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

  /** Notes what they are at the beginning of an hour, hours since the epoch, once; and forgets what is older than two days. */
  async noteHour(hour: number): Promise<void> {
    const hourType = this.#database.dialect.integer;
    const isFirst = await this.#database.run(
      "INSERT INTO counter_hours (hour, name, value) VALUES (?, '', 0) ON CONFLICT (hour, name) DO NOTHING",
      hour,
    );
    if (isFirst === 0) return;
    await this.#database.run(
      `INSERT INTO counter_hours (hour, name, value) SELECT CAST(? AS ${hourType}), name, value FROM counters`,
      hour,
    );
    await this.#database.run('DELETE FROM counter_hours WHERE hour < ? OR hour > ?', hour - KEPT_HOURS, hour);
  }

  /** What they were at the beginning of an hour, or else of the hour nearest to it that was noted; null where none was. */
  async at(hour: number): Promise<Record<string, number> | null> {
    const rows = await this.#database.all<{ name: string; value: number }>(
      `SELECT name, value FROM counter_hours WHERE hour = (SELECT COALESCE(
         (SELECT MAX(hour) FROM counter_hours WHERE hour <= ?), (SELECT MIN(hour) FROM counter_hours)))`,
      hour,
    );
    if (rows.length === 0) return null;
    return Object.fromEntries(rows.filter(({ name }) => name !== '').map(({ name, value }) => [name, value]));
  }
}
