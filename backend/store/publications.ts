import type { Result } from '#protocol/messages.ts';
import type { Database } from './database.ts';
import { readResult } from './results.ts';
import { storedSince } from './stored-since.ts';

/** The answers of one settled envelope, on their way to the results tree. */
export type Publication = { readonly id: number; readonly results: readonly Result[] };

type Row = {
  id: number;
  gateway: string;
  session: number;
  sequence: number;
  result: string | null;
  version: number | null;
  since: number;
};

/**
 * Envelopes whose answers the broker has not acknowledged, in the order in which they were stored. A row is committed together with the
 * result, so that no crash can lose one without the other; the result itself is kept once, in `results`.
 */
export class PublicationStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Call it in the transaction that stores the result.
   *
   * @param storedMs when that is stored, so that it is looked for in fewer places
   */
  async add(gateway: string, session: number, sequence: number, storedMs?: number): Promise<void> {
    await this.#database.run(
      'INSERT INTO publications (gateway, session, sequence, stored_ms) VALUES (?, ?, ?, ?)',
      ...[gateway, session, sequence, storedMs ?? null],
    );
  }

  /** The oldest ones after `id`; without results where those were deleted. */
  async after(id: number, limit: number): Promise<Publication[]> {
    const since = await this.#since(id, limit);
    if (since === null) return [];
    const stored = storedSince(this.#database, since, 'results');
    const rows = await this.#database.all<Row>(
      `SELECT publications.id, publications.gateway, publications.session, publications.sequence,
         COALESCE(publications.stored_ms, 0) AS since, results.result, results.version
       FROM publications LEFT JOIN results ON results.gateway = publications.gateway
         AND results.session = publications.session AND results.sequence = publications.sequence
         ${stored.and}
       WHERE publications.id > ? ORDER BY publications.id LIMIT ?`,
      ...[...stored.values, id, limit],
    );
    const publications: Publication[] = [];
    for (const row of rows) {
      const texts = row.result === null ? await this.#regionResults(row) : [row.result];
      publications.push({
        id: row.id,
        results: texts.map((result) => readResult({ result, version: row.version ?? 0 })),
      });
    }
    return publications;
  }

  /** Since when what is asked for next was stored, null where there is nothing. SQLite has one table for all days, and is not asked. */
  async #since(id: number, limit: number): Promise<number | null> {
    if (this.#database.dialect.kind === 'sqlite') return 0;
    const [oldest] = await this.#database.all<{ since: number | null }>(
      `SELECT MIN(COALESCE(stored_ms, 0)) AS since
       FROM (SELECT stored_ms FROM publications WHERE id > ? ORDER BY id LIMIT ?) AS next`,
      id,
      limit,
    );
    return oldest?.since ?? null;
  }

  async #regionResults({ gateway, session, sequence, since }: Row): Promise<string[]> {
    const rows = await this.#database.all<{ result: string }>(
      `SELECT result FROM region_results
       WHERE gateway = ? AND session = ? AND sequence = ? AND stored_ms >= ? ORDER BY region`,
      ...[gateway, session, sequence, since],
    );
    return rows.map(({ result }) => result);
  }

  /** Id of the newest one, 0 if none is waiting. */
  async newest(): Promise<number> {
    const [row] = await this.#database.all<{ id: number | null }>('SELECT MAX(id) AS id FROM publications');
    return row?.id ?? 0;
  }

  /** Removes those up to and including `id`. @returns how many there were. */
  async removeTo(id: number): Promise<number> {
    return this.#database.run('DELETE FROM publications WHERE id <= ?', id);
  }
}
