import { WITHHELD } from '#protocol/withheld.ts';
import type { Database, Value } from './database.ts';
import { inRuns, marks } from './many-rows.ts';
import { type ResultRecord, readResult } from './results.ts';
import { storedSince } from './stored-since.ts';

/** An answer as it was settled: what it says about the picture and each named region, or why it was withheld. */
export type SettledAnswer = Omit<ResultRecord, 'digest'> & {
  /** Increases in the order of settling. */
  readonly id: number;
};

type Place = Pick<ResultRecord, 'gateway' | 'session' | 'sequence'>;
type FeedRow = Place & { readonly id: number; readonly stored_ms: number | null };
type ResultRow = Omit<ResultRecord, 'digest' | 'frameMs' | 'storedMs' | 'results'> & {
  readonly frame_ms: number;
  readonly stored_ms: number;
  readonly result: string | null;
};
type RegionRow = Place & { readonly region: string; readonly result: string };

const RECORDS =
  'SELECT gateway, session, sequence, camera, model, version, frame_ms, stored_ms, withheld, result FROM results';
const REGIONS = 'SELECT gateway, session, sequence, region, result FROM region_results';

/**
 * Answers that are settled, and that history, events and alerts have not taken yet. A row is committed together with the result, and removed
 * together with all that is made of it.
 */
export class FeedStore {
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
      'INSERT INTO feed (gateway, session, sequence, stored_ms) VALUES (?, ?, ?, ?)',
      ...[gateway, session, sequence, storedMs ?? null],
    );
  }

  /** How many are waiting at most, in no time, however many they are. */
  async waiting(): Promise<number> {
    const [row] = await this.#database.all<{ oldest: number | null; newest: number | null }>(
      'SELECT (SELECT MIN(id) FROM feed) AS oldest, (SELECT MAX(id) FROM feed) AS newest',
    );
    const { oldest = null, newest = null } = row ?? {};
    return oldest === null || newest === null ? 0 : newest - oldest + 1;
  }

  /** Removes the oldest, and gives them out in order, without those of which the result was deleted meanwhile. Call it in a transaction. */
  async take(limit: number): Promise<SettledAnswer[]> {
    const rows = await this.#database.all<FeedRow>(
      `DELETE FROM feed WHERE id IN (SELECT id FROM feed ORDER BY id LIMIT ?)
       RETURNING id, gateway, session, sequence, stored_ms`,
      limit,
    );
    const ids = new Map(rows.map((place) => [key(place), place.id]));
    return settledAnswers(await this.#at<ResultRow>(RECORDS, rows), await this.#at<RegionRow>(REGIONS, rows))
      .map((answer) => ({ ...answer, id: ids.get(key(answer)) ?? 0 }))
      .sort((one, other) => one.id - other.id);
  }

  /**
   * Answers that were stored before a time, ms, without those that were refused: the newest, about `limit` of them, in the order of their pictures. Their `id` is 0.
   *
   * @returns also since when these are all; 0 where there are none before
   */
  async storedBefore(
    beforeMs: number,
    limit: number,
  ): Promise<{ readonly answers: readonly SettledAnswer[]; readonly sinceMs: number }> {
    const [beyond] = await this.#database.all<{ stored_ms: number }>(
      'SELECT stored_ms FROM results WHERE stored_ms < ? ORDER BY stored_ms DESC LIMIT 1 OFFSET ?',
      beforeMs,
      limit,
    );
    // All of one moment are given out together; and where more than `limit` are of one, so are these.
    const sinceMs = beyond === undefined ? 0 : Math.min(beyond.stored_ms + 1, beforeMs - 1);
    const span = [sinceMs, beforeMs];
    const records = await this.#database.all<ResultRow>(
      `${RECORDS} WHERE stored_ms >= ? AND stored_ms < ? ORDER BY frame_ms`,
      ...span,
    );
    const regions = await this.#database.all<RegionRow>(
      `${REGIONS} WHERE stored_ms >= ? AND stored_ms < ? ORDER BY region`,
      ...span,
    );
    const given = records.filter(({ withheld }) => withheld === null || Object.hasOwn(WITHHELD, withheld));
    return { answers: settledAnswers(given, regions).map((answer) => ({ ...answer, id: 0 })), sinceMs };
  }

  /** Rows at places. */
  async #at<Row>(select: string, places: readonly FeedRow[]): Promise<Row[]> {
    const { integer } = this.#database.dialect;
    const number = `CAST(? AS ${integer})`;
    const found: Row[] = [];
    for (const run of inRuns(places)) {
      const stored = storedSince(this.#database, Math.min(...run.map(({ stored_ms }) => stored_ms ?? 0)));
      const sql = `WITH places (gateway, session, sequence) AS (VALUES ${marks(run.length, ['?', number, number])})
        ${select} JOIN places USING (gateway, session, sequence) WHERE 1 = 1 ${stored.and}`;
      const values: Value[] = run.flatMap((place) => [place.gateway, place.session, place.sequence]);
      values.push(...stored.values);
      found.push(...(await this.#database.all<Row>(sql, ...values)));
    }
    return found;
  }

  /** Removes the oldest, until at most `kept` are left. @returns how many were removed. */
  async dropAllBut(kept: number): Promise<number> {
    return this.#database.run('DELETE FROM feed WHERE id <= (SELECT MAX(id) FROM feed) - ?', kept);
  }
}

function settledAnswers(
  records: readonly ResultRow[],
  regions: readonly RegionRow[],
): Omit<SettledAnswer, 'id'>[] {
  const told = Map.groupBy(
    regions.toSorted((one, other) => (one.region < other.region ? -1 : Number(one.region > other.region))),
    key,
  );
  return records.map(({ frame_ms: frameMs, stored_ms: storedMs, result, ...rest }) => {
    const texts = [
      ...(result === null ? [] : [result]),
      ...(told.get(key(rest)) ?? []).map((row) => row.result),
    ];
    const results = texts.map((text) => readResult({ result: text, version: rest.version }));
    return { ...rest, frameMs, storedMs, results };
  });
}

function key({ gateway, session, sequence }: Place): string {
  return `${gateway}/${session}/${sequence}`;
}
