import type { Database } from './database.ts';

/**
 * What one of several processes has for itself, for a time that it goes on prolonging. Time is that of the database, so no clock of a machine that jumps takes
 * anything from another one; and whoever writes in the belief that it has something asks in its transaction, see {@link LeaseStore.confirm}.
 */
export class LeaseStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes sure that there are leases of these names: free ones, where they are new. */
  async make(names: readonly string[]): Promise<void> {
    for (const name of names)
      await this.#database.run(
        "INSERT INTO leases (name, holder, until_ms) VALUES (?, '', 0) ON CONFLICT (name) DO NOTHING",
        name,
      );
  }

  /** Takes a lease that nobody has, or that its holder let run out. @returns whether it is the holder's now */
  async take(name: string, holder: string, ms: number): Promise<boolean> {
    const { now, integer } = this.#database.dialect;
    const taken = await this.#database.run(
      `UPDATE leases SET holder = ?, until_ms = ${now} + CAST(? AS ${integer}) WHERE name = ? AND (until_ms <= ${now} OR holder = ?)`,
      holder,
      ms,
      name,
      holder,
    );
    return taken > 0;
  }

  /** Names below a prefix that somebody has. */
  async taken(prefix: string): Promise<string[]> {
    return this.#names(`until_ms > ${this.#database.dialect.now}`, prefix);
  }

  /** Prolongs all that a holder has; what ran out, too, unless somebody else took it. @returns what that is */
  async renew(holder: string, ms: number): Promise<string[]> {
    const { now, integer } = this.#database.dialect;
    const rows = await this.#database.all<{ name: string }>(
      `UPDATE leases SET until_ms = ${now} + CAST(? AS ${integer}) WHERE holder = ? RETURNING name`,
      ms,
      holder,
    );
    return rows.map(({ name }) => name);
  }

  /**
   * Takes a part, which its holder has as long as its own lease lasts: a lease of the holder's name below a prefix. So whoever has many prolongs one.
   *
   * @returns whether it is the holder's now; not while a transaction that began before confirms it, see below
   */
  async claim(name: string, holder: string, lives: string): Promise<boolean> {
    // Nobody waits for a process that stopped in its transaction while he could work for other gateways.
    const lock = this.#isPostgresql ? 'FOR UPDATE OF leases SKIP LOCKED' : '';
    const taken = await this.#database.run(
      `UPDATE leases SET holder = ? WHERE name = (
        SELECT name FROM leases WHERE name = ? AND (holder = ? OR ${this.#isLeft()}) ${lock})`,
      holder,
      name,
      holder,
      lives,
    );
    return taken > 0;
  }

  /** Parts below a prefix that nobody has who lives. */
  unclaimed(prefix: string, lives: string): Promise<string[]> {
    return this.#names(this.#isLeft(), lives, prefix);
  }

  /** Names below a prefix that a holder has. */
  held(prefix: string, holder: string): Promise<string[]> {
    return this.#names('holder = ?', holder, prefix);
  }

  get #isPostgresql(): boolean {
    return this.#database.dialect.kind === 'postgresql';
  }

  #isLeft(): string {
    return `NOT EXISTS (SELECT 1 FROM leases AS life
      WHERE life.name = CAST(? AS TEXT) || leases.holder AND life.until_ms > ${this.#database.dialect.now})`;
  }

  /**
   * Which of these a holder has, none of which anybody takes before the end of this transaction.
   *
   * @param names in order, so that nobody waits for each other
   */
  async confirm(holder: string, names: readonly string[]): Promise<string[]> {
    if (names.length === 0) return [];
    // SQLite has one writer at a time.
    const lock = this.#isPostgresql ? 'FOR SHARE' : '';
    const rows = await this.#database.all<{ name: string }>(
      `SELECT name FROM leases WHERE holder = ? AND name IN (${names.map(() => '?').join(', ')}) ORDER BY name ${lock}`,
      holder,
      ...names,
    );
    return rows.map(({ name }) => name);
  }

  /** Gives a lease back, if it is the holder's. */
  async release(name: string, holder: string): Promise<void> {
    await this.#database.run(
      "UPDATE leases SET holder = '', until_ms = 0 WHERE name = ? AND holder = ?",
      name,
      holder,
    );
  }

  /** Removes the lease of a name, if it is the holder's. */
  async remove(name: string, holder: string): Promise<void> {
    await this.#database.run('DELETE FROM leases WHERE name = ? AND holder = ?', name, holder);
  }

  /** Removes those below a prefix that ran out longer ago than this. */
  async forget(prefix: string, ms: number): Promise<void> {
    const { now, integer } = this.#database.dialect;
    await this.#database.run(
      `DELETE FROM leases WHERE name LIKE ? AND until_ms < ${now} - CAST(? AS ${integer})`,
      `${prefix}%`,
      ms,
    );
  }

  /** @param values the last one a prefix */
  async #names(condition: string, ...values: readonly string[]): Promise<string[]> {
    const rows = await this.#database.all<{ name: string }>(
      `SELECT name FROM leases WHERE ${condition} AND name LIKE ? || '%' ORDER BY name`,
      ...values,
    );
    return rows.map(({ name }) => name);
  }
}
