import type { Result } from '#protocol/messages.ts';
import type { Database, Value } from './database.ts';
import { readResult } from './results.ts';

/** An answer as it was settled: what it says about the picture and each named region, or why it was withheld. */
export type SettledAnswer = {
  /** Increases in the order of settling. */
  readonly id: number;
  readonly gateway: string;
  readonly session: number;
  readonly sequence: number;
  readonly camera: string;
  readonly model: string;
  readonly version: number;
  /** When the picture was taken, ms since the epoch, and when the answer was stored. */
  readonly frameMs: number;
  readonly storedMs: number;
  /** Why it was withheld; null for an answer. */
  readonly withheld: string | null;
  /** None where it was withheld, and where nothing of it is to be given out. */
  readonly results: readonly Result[];
};

type Place = { readonly gateway: string; readonly session: number; readonly sequence: number };
type FeedRow = Place & { readonly id: number };
type ResultRow = Place & {
  readonly camera: string;
  readonly model: string;
  readonly version: number;
  readonly frame_ms: number;
  readonly stored_ms: number;
  readonly withheld: string | null;
  readonly result: string | null;
};

/**
 * Answers that are settled, and that history, events and alerts have not taken yet. A row is committed together with the result, and removed
 * together with all that is made of it.
 */
export class FeedStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Call it in the transaction that stores the result. */
  async add(gateway: string, session: number, sequence: number): Promise<void> {
    await this.#database.run(
      'INSERT INTO feed (gateway, session, sequence) VALUES (?, ?, ?)',
      gateway,
      session,
      sequence,
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
       RETURNING id, gateway, session, sequence`,
      limit,
    );
    const records = new Map<string, ResultRow>();
    const regions = new Map<string, Result[]>();
    for (const places of Map.groupBy(rows, ({ gateway, session }) => `${gateway}/${session}`).values()) {
      for (const record of await this.#records(places)) records.set(key(record), record);
      for (const row of await this.#regions(places)) {
        const version = records.get(key(row))?.version ?? 0;
        regions.set(key(row), [...(regions.get(key(row)) ?? []), readResult({ ...row, version })]);
      }
    }
    return rows
      .sort((one, other) => one.id - other.id)
      .flatMap((row): SettledAnswer[] => {
        const record = records.get(key(row));
        if (record === undefined) return [];
        const { frame_ms: frameMs, stored_ms: storedMs, result, ...rest } = record;
        const whole = result === null ? [] : [readResult({ result, version: record.version })];
        return [
          { id: row.id, ...rest, frameMs, storedMs, results: [...whole, ...(regions.get(key(row)) ?? [])] },
        ];
      });
  }

  #records(places: readonly Place[]): Promise<ResultRow[]> {
    return this.#at<ResultRow>(
      `SELECT gateway, session, sequence, camera, model, version, frame_ms, stored_ms, withheld, result
       FROM results`,
      places,
    );
  }

  #regions(places: readonly Place[]): Promise<(Place & { result: string })[]> {
    return this.#at(
      'SELECT gateway, session, sequence, result FROM region_results',
      places,
      'ORDER BY region',
    );
  }

  /** Rows at places of one session. */
  #at<Row>(select: string, places: readonly Place[], order = ''): Promise<Row[]> {
    const [{ gateway, session } = { gateway: '', session: 0 }] = places;
    const sequences: Value[] = places.map(({ sequence }) => sequence);
    // A few lengths only, because a statement of each is kept: the last place is asked for several times.
    let length = 1;
    while (length < sequences.length) length *= 4;
    while (sequences.length < length) sequences.push(sequences.at(-1)!);
    const marks = sequences.map(() => '?').join(', ');
    return this.#database.all<Row>(
      `${select} WHERE gateway = ? AND session = ? AND sequence IN (${marks}) ${order}`,
      gateway,
      session,
      ...sequences,
    );
  }

  /** Removes the oldest, until at most `kept` are left. @returns how many were removed. */
  async dropAllBut(kept: number): Promise<number> {
    return this.#database.run('DELETE FROM feed WHERE id <= (SELECT MAX(id) FROM feed) - ?', kept);
  }
}

function key({ gateway, session, sequence }: Place): string {
  return `${gateway}/${session}/${sequence}`;
}
