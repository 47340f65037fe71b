import type { Database } from './database.ts';
import { insertRows } from './many-rows.ts';

/** Places of settled answers that are written into a table at the end of a transaction, in the order in which they came. */
export class LatePlaces {
  readonly #database: Database;
  readonly #table: 'feed' | 'publications';
  readonly #places: [gateway: string, session: number, sequence: number, storedMs: number | null][] = [];

  constructor(database: Database, table: 'feed' | 'publications') {
    this.#database = database;
    this.#table = table;
  }

  async add(gateway: string, session: number, sequence: number, storedMs?: number): Promise<void> {
    this.#places.push([gateway, session, sequence, storedMs ?? null]);
  }

  async write(): Promise<void> {
    const into = `INSERT INTO ${this.#table} (gateway, session, sequence, stored_ms)`;
    await insertRows(this.#database, into, this.#places.splice(0));
  }
}
