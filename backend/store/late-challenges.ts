import { ChallengeStore } from './challenges.ts';
import type { Database } from './database.ts';
import { insertRows } from './many-rows.ts';

/** What was decrypted of each gateway, counted at the end of a transaction. */
export class LateChallenges extends ChallengeStore {
  readonly #database: Database;
  readonly #decrypted = new Map<string, number>();

  constructor(database: Database) {
    super(database);
    this.#database = database;
  }

  override async noteDecrypted(gateway: string, count = 1): Promise<void> {
    this.#decrypted.set(gateway, (this.#decrypted.get(gateway) ?? 0) + count);
  }

  async write(): Promise<void> {
    await insertRows(
      this.#database,
      'INSERT INTO audited_gateways (gateway, decrypted, equal, unequal, missing, missing_row, last_equal_ms, counted_from_ms)',
      [...this.#decrypted].map(([gateway, count]) => [gateway, count, 0, 0, 0, 0, null, 0]),
      'ON CONFLICT (gateway) DO UPDATE SET decrypted = audited_gateways.decrypted + excluded.decrypted',
    );
    this.#decrypted.clear();
  }
}
