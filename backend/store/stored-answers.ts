import type { Result } from '#protocol/messages.ts';
import type { Database } from './database.ts';
import { readResult } from './results.ts';
import { storedSince } from './stored-since.ts';

/** An answer as it is stored, or the reason why there is none. */
export type StoredAnswer = {
  readonly camera: string;
  readonly frameMs: number;
  readonly gateway: string;
  readonly session: number;
  readonly sequence: number;
  readonly model: string;
  readonly version: number;
  readonly withheld: string | null;
  readonly results: readonly Result[];
};

type Place = { readonly gateway: string; readonly session: number; readonly sequence: number };
type Row = Omit<StoredAnswer, 'camera' | 'frameMs' | 'results'> & { frame_ms: number; result: string | null };
type RegionRow = Place & { result: string };

/** Stored answers from the oldest to the newest, some at a time. */
export class StoredAnswers {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * The next answers of a camera with frame time from `fromMs` (inclusive) to `beforeMs`, ascending.
   *
   * @param after the last one of the page before; null for the first page
   */
  async page(
    camera: string,
    fromMs: number,
    beforeMs: number,
    after: StoredAnswer | null,
    limit: number,
  ): Promise<StoredAnswer[]> {
    const { frameMs, gateway, session, sequence } = after ?? {
      frameMs: fromMs,
      gateway: '',
      session: -1,
      sequence: -1,
    };
    const stored = storedSince(this.#database, frameMs);
    const rows = await this.#database.all<Row>(
      `SELECT gateway, session, sequence, model, version, frame_ms, withheld, result FROM results
       WHERE camera = ? AND frame_ms >= ? AND frame_ms < ? AND (frame_ms, gateway, session, sequence) > (?, ?, ?, ?) ${stored.and}
       ORDER BY frame_ms, gateway, session, sequence LIMIT ?`,
      ...[camera, frameMs, beforeMs, frameMs, gateway, session, sequence, ...stored.values, limit],
    );
    const [first, last] = [rows[0]?.frame_ms ?? 0, rows.at(-1)?.frame_ms ?? -1];
    const regions = await this.#database.all<RegionRow>(
      `SELECT gateway, session, sequence, result FROM region_results
       WHERE camera = ? AND frame_ms >= ? AND frame_ms <= ? ${stored.and} ORDER BY region`,
      ...[camera, first, last, ...stored.values],
    );
    const ofRegions = Map.groupBy(regions, key);
    return rows.map(({ frame_ms, result, ...row }) => {
      const texts = [result, ...(ofRegions.get(key(row)) ?? []).map((region) => region.result)];
      const results = texts
        .filter((text) => text !== null)
        .map((text) => readResult({ result: text, version: row.version }));
      return { camera, frameMs: frame_ms, ...row, results };
    });
  }
}

function key({ gateway, session, sequence }: Place): string {
  return `${gateway}/${session}/${sequence}`;
}
