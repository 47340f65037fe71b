import type { Database } from './database.ts';

/** Small facts about the installation: site name, session number of the backend. */
export class SettingStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(name: string): Promise<string | null> {
    const [row] = await this.#database.all<{ value: string }>(
      'SELECT value FROM settings WHERE name = ?',
      name,
    );
    return row?.value ?? null;
  }

  async set(name: string, value: string): Promise<void> {
    await this.#database.run(
      'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      name,
      value,
    );
  }

  /** Next number of a series that starts at 1; durable before it is returned. */
  async next(name: string): Promise<number> {
    return this.#database.transaction(async (inside) => {
      const settings = new SettingStore(inside);
      const value = Number((await settings.get(name)) ?? '0') + 1;
      await settings.set(name, String(value));
      return value;
    });
  }
}
