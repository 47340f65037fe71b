import type { Database, Value } from '../store/database.ts';

/** What a statement throws when the process is to be thought of as killed. */
export class Crash extends Error {}

/**
 * A database whose process is killed at a chosen instant: before or after one of its statements, which in a transaction undoes all of it, or
 * after a transaction became durable before anybody heard of it.
 */
export class CrashingDatabase implements Database {
  readonly #database: Database;
  readonly #fuse: { left: number };

  constructor(database: Database, fuse = { left: Number.POSITIVE_INFINITY }) {
    this.#database = database;
    this.#fuse = fuse;
  }

  /** @param instants that pass before the process is killed; Infinity: never. */
  crashAfter(instants: number): void {
    this.#fuse.left = instants;
  }

  get isDead(): boolean {
    return this.#fuse.left < 0;
  }

  get dialect() {
    return this.#database.dialect;
  }

  #tick(): void {
    this.#fuse.left -= 1;
    if (this.#fuse.left < 0) throw new Crash('killed');
  }

  async #around<T>(work: () => Promise<T>): Promise<T> {
    this.#tick();
    const result = await work();
    this.#tick();
    return result;
  }

  all<Row>(sql: string, ...values: readonly Value[]): Promise<Row[]> {
    return this.#around(() => this.#database.all<Row>(sql, ...values));
  }

  run(sql: string, ...values: readonly Value[]): Promise<number> {
    return this.#around(() => this.#database.run(sql, ...values));
  }

  transaction<T>(work: (database: Database) => Promise<T>): Promise<T> {
    return this.#around(() =>
      this.#database.transaction((inside) => work(new CrashingDatabase(inside, this.#fuse))),
    );
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
