import type { Database, Value } from './database.ts';
import { isStoreTrouble, type StoreTrouble } from './store-trouble.ts';

/** A database that reports every failure to an observer, whoever made the call. */
export class ObservedDatabase implements Database {
  readonly #inner: Database;
  readonly #onTrouble: (trouble: StoreTrouble) => void;

  constructor(inner: Database, onTrouble: (trouble: StoreTrouble) => void) {
    this.#inner = inner;
    this.#onTrouble = onTrouble;
  }

  get dialect() {
    return this.#inner.dialect;
  }

  all<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    return this.#watched(this.#inner.all<Row>(sql, ...values));
  }

  run(sql: string, ...values: readonly Value[]): Promise<number> {
    return this.#watched(this.#inner.run(sql, ...values));
  }

  transaction<T>(work: (database: Database) => Promise<T>): Promise<T> {
    return this.#watched(this.#inner.transaction(work));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #watched<T>(result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      if (isStoreTrouble(error)) this.#onTrouble(error);
      throw error;
    }
  }
}
