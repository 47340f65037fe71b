import { setImmediate } from 'node:timers/promises';
import type { Result } from '#protocol/messages.ts';
import type { Database, Value } from './database.ts';
import { FloorStore } from './floors.ts';
import type { Position } from './gateways.ts';
import { inRuns, insertRows, marks, rowsOf } from './many-rows.ts';
import { measureResults } from './measure-results.ts';
import { releaseSpace } from './release-space.ts';
import { ResultPartitions } from './result-partitions.ts';
import { startOfDay } from './start-of-day.ts';
import { storedSince } from './stored-since.ts';

/** One settled envelope: its answers, or the reason why it was withheld. */
export type ResultRecord = {
  readonly gateway: string;
  readonly session: number;
  readonly sequence: number;
  /** SHA-256 of the ciphertext, hex. */
  readonly digest: string;
  readonly camera: string;
  readonly model: string;
  readonly version: number;
  readonly frameMs: number;
  readonly storedMs: number;
  readonly withheld: string | null;
  /** One answer about the whole picture, one about each named region, or none. */
  readonly results: readonly Result[];
};

/** Frame times from one moment (inclusive) to another (exclusive), ms since the epoch. */
export type Span = { readonly sinceMs: number; readonly beforeMs: number };

type Removed = { readonly removed: number; readonly untilMs: number | null };

/** Answers read to find the newest of each region: a camera has at most as many regions. */
const NEWEST_REGIONS = 64;
/** Envelopes deleted in one transaction, to spare memory and whoever waits for the store. */
const FORGET_BATCH = 2000;

/** Of the network that an answer about a region is of; found for each, so that no plan reads the results of all days for it. */
const VERSION = `COALESCE((SELECT version FROM results WHERE results.gateway = region_results.gateway
  AND results.session = region_results.session AND results.sequence = region_results.sequence
  AND results.stored_ms = region_results.stored_ms), 0) AS version`;

type Stored = { readonly result: string; readonly version: number };

/** An answer as it was stored; those of before name no version of their network, but their row does. */
export function readResult({ result, version }: Stored): Result {
  const stored = JSON.parse(result) as Result;
  return { ...stored, modelVersion: stored.modelVersion ?? version };
}

/** Columns of {@link ResultStore.INSERT}. */
export function resultRow(record: ResultRecord): readonly Value[] {
  const { gateway, session, sequence, digest, camera, model, version, frameMs, storedMs, withheld } = record;
  const whole = record.results.find(({ region }) => region === undefined);
  const result = whole === undefined ? null : JSON.stringify(whole);
  return [gateway, session, sequence, digest, camera, model, version, frameMs, storedMs, withheld, result];
}

/** Columns of {@link ResultStore.INSERT_REGION}, of each answer about a region. */
export function regionRows({ results, ...record }: ResultRecord): (readonly Value[])[] {
  const { gateway, session, sequence, camera, frameMs, storedMs } = record;
  return results.flatMap((result) =>
    result.region === undefined
      ? []
      : [[gateway, session, sequence, result.region, camera, frameMs, storedMs, JSON.stringify(result)]],
  );
}

export class ResultStore {
  protected static readonly INSERT =
    'INSERT INTO results (gateway, session, sequence, digest, camera, model, version, frame_ms, stored_ms, withheld, result)';
  protected static readonly UNLESS_STORED = 'ON CONFLICT DO NOTHING';
  protected static readonly INSERT_REGION =
    'INSERT INTO region_results (gateway, session, sequence, region, camera, frame_ms, stored_ms, result)';
  readonly #database: Database;
  /** Null where there are none. */
  readonly #partitions: ResultPartitions | null;

  constructor(database: Database) {
    this.#database = database;
    this.#partitions = database.dialect.kind === 'postgresql' ? new ResultPartitions(database) : null;
  }

  /** Makes ready for what is stored from this day on. */
  async prepare(nowMs: number): Promise<void> {
    await this.#partitions?.prepare(nowMs);
  }

  /**
   * Stores a result and each of its regions, idempotently by (gateway, session, sequence). Call it in a transaction.
   *
   * @returns false if it is stored already.
   */
  async add(record: ResultRecord): Promise<boolean> {
    if (this.#partitions !== null) {
      await this.#partitions.make(record.storedMs);
      if (await this.isAnyStored([record])) return false;
    }
    const row = [resultRow(record)];
    if ((await insertRows(this.#database, ResultStore.INSERT, row, ResultStore.UNLESS_STORED)) !== 1)
      return false;
    const regions = regionRows(record);
    await insertRows(this.#database, ResultStore.INSERT_REGION, regions, ResultStore.UNLESS_STORED);
    return true;
  }

  /**
   * Whether there is a result at one of these places, of whatever day; nobody stores any of their gateways until the end of the transaction. For PostgreSQL, whose tables
   * each know their own day alone.
   */
  protected async isAnyStored(places: readonly Pick<ResultRecord, 'gateway' | 'session' | 'sequence'>[]) {
    const gateways = [...new Set(places.map(({ gateway }) => gateway))].sort();
    await rowsOf(
      this.#database,
      'SELECT name FROM gateways WHERE name IN',
      gateways,
      'ORDER BY name FOR NO KEY UPDATE',
    );
    for (const run of inRuns(places)) {
      const found = await this.#database.all(
        `WITH places (gateway, session, sequence) AS (VALUES ${marks(run.length, ['?', 'CAST(? AS BIGINT)', 'CAST(? AS BIGINT)'])})
         SELECT 1 FROM places CROSS JOIN LATERAL
           (SELECT 1 FROM results WHERE results.gateway = places.gateway AND results.session = places.session
              AND results.sequence = places.sequence LIMIT 1) AS found LIMIT 1`,
        ...run.flatMap(({ gateway, session, sequence }) => [gateway, session, sequence]),
      );
      if (found.length > 0) return true;
    }
    return false;
  }

  /** Digest of the ciphertext that was settled at this position, or null. */
  async digestAt(gateway: string, session: number, sequence: number): Promise<string | null> {
    const [row] = await this.#database.all<{ digest: string }>(
      'SELECT digest FROM results WHERE gateway = ? AND session = ? AND sequence = ?',
      gateway,
      session,
      sequence,
    );
    return row?.digest ?? null;
  }

  /**
   * Newest answer about the whole picture of a camera by frame time, or null.
   *
   * @param untilMs later ones, stored while a clock was wrong, are skipped
   */
  async latest(camera: string, untilMs = Number.MAX_SAFE_INTEGER): Promise<Result | null> {
    const [row] = await this.#database.all<Stored>(
      `SELECT result, version FROM results WHERE camera = ? AND frame_ms <= ? AND result IS NOT NULL
       ORDER BY frame_ms DESC LIMIT 1`,
      camera,
      untilMs,
    );
    return row === undefined ? null : readResult(row);
  }

  /** Newest answer about each region that the camera recently answered about; those about one picture by name. */
  async latestRegions(camera: string, untilMs = Number.MAX_SAFE_INTEGER): Promise<Result[]> {
    const rows = await this.#database.all<Stored & { region: string }>(
      `SELECT region, result, ${VERSION} FROM region_results WHERE camera = ? AND frame_ms <= ?
       ORDER BY frame_ms DESC, region LIMIT ?`,
      camera,
      untilMs,
      NEWEST_REGIONS,
    );
    const newest = new Map<string, Result>();
    for (const row of rows) {
      if (!newest.has(row.region)) newest.set(row.region, readResult(row));
    }
    return [...newest.values()];
  }

  /** Of ciphertexts about a picture of a camera at exactly this time, ms, those that were settled. */
  async about<Shown extends Pick<ResultRecord, 'camera' | 'frameMs' | 'digest'>>(
    shown: readonly Shown[],
  ): Promise<Pick<ResultRecord, 'camera' | 'frameMs' | 'digest'>[]> {
    const columns = ['?', `CAST(? AS ${this.#database.dialect.integer})`, '?'];
    const found: Pick<ResultRecord, 'camera' | 'frameMs' | 'digest'>[] = [];
    for (const run of inRuns(shown)) {
      const stored = storedSince(this.#database, Math.min(...run.map(({ frameMs }) => frameMs)), 'results');
      found.push(
        ...(await this.#database.all<Pick<ResultRecord, 'camera' | 'frameMs' | 'digest'>>(
          `WITH asked (camera, frame_ms, digest) AS (VALUES ${marks(run.length, columns)})
           SELECT DISTINCT asked.camera AS camera, asked.frame_ms AS "frameMs", asked.digest AS digest FROM asked
           JOIN results ON results.camera = asked.camera AND results.frame_ms = asked.frame_ms AND results.digest = asked.digest ${stored.and}`,
          ...run.flatMap(({ camera, frameMs, digest }) => [camera, frameMs, digest]),
          ...stored.values,
        )),
      );
    }
    return found;
  }

  /** How many envelopes about pictures of a camera within [fromMs, toMs) are settled, whatever the outcome. */
  async countAbout(camera: string, fromMs: number, toMs: number): Promise<number> {
    const stored = storedSince(this.#database, fromMs);
    const [row] = await this.#database.all<{ count: number }>(
      `SELECT COUNT(*) AS count FROM results WHERE camera = ? AND frame_ms >= ? AND frame_ms < ? ${stored.and}`,
      ...[camera, fromMs, toMs, ...stored.values],
    );
    return row!.count;
  }

  /**
   * Answers of a camera with frame time in a span, ascending; the newest `limit` of them.
   *
   * @param region a named region; the whole picture by default.
   */
  async history(
    camera: string,
    { sinceMs, beforeMs }: Span,
    limit: number,
    region?: string,
  ): Promise<{ readonly frameMs: number; readonly result: Result }[]> {
    type Row = Stored & { frame_ms: number };
    const stored = storedSince(this.#database, sinceMs);
    const rows =
      region === undefined
        ? await this.#database.all<Row>(
            `SELECT frame_ms, result, version FROM results
             WHERE camera = ? AND frame_ms >= ? AND frame_ms < ? AND result IS NOT NULL ${stored.and}
             ORDER BY frame_ms DESC LIMIT ?`,
            ...[camera, sinceMs, beforeMs, ...stored.values, limit],
          )
        : await this.#database.all<Row>(
            `SELECT frame_ms, result, ${VERSION} FROM region_results
             WHERE camera = ? AND frame_ms >= ? AND frame_ms < ? AND region = ? ${stored.and}
             ORDER BY frame_ms DESC LIMIT ?`,
            ...[camera, sinceMs, beforeMs, region, ...stored.values, limit],
          );
    return rows.reverse().map((row) => ({ frameMs: row.frame_ms, result: readResult(row) }));
  }

  /** Frame times of answers that were withheld in a span, ascending: the last of each `slotMs`, and the newest `limit` of these. */
  async withheldTimes(
    camera: string,
    { sinceMs, beforeMs }: Span,
    slotMs: number,
    limit: number,
  ): Promise<number[]> {
    const stored = storedSince(this.#database, sinceMs);
    const rows = await this.#database.all<{ frame_ms: number }>(
      `SELECT MAX(frame_ms) AS frame_ms FROM results
       WHERE camera = ? AND frame_ms >= ? AND frame_ms < ? AND withheld IS NOT NULL ${stored.and}
       GROUP BY frame_ms - frame_ms % ? ORDER BY 1 DESC LIMIT ?`,
      ...[camera, sinceMs, beforeMs, ...stored.values, slotMs, limit],
    );
    return rows.reverse().map((row) => row.frame_ms);
  }

  /**
   * Deletes what was stored before a time, and raises each gateway's floors above it, so that nothing deleted can be decrypted again. In PostgreSQL by whole days (UTC):
   * what was stored since the midnight before that time stays.
   *
   * @returns how many were deleted, about, where a day had many.
   * @throws BlindsightError TABLE_IN_USE
   */
  async removeBefore(timeMs: number): Promise<number> {
    if (this.#partitions === null) return this.#removeBySlices(timeMs);
    const midnightMs = startOfDay(timeMs);
    const removed = await this.#partitions.dropUntil(midnightMs);
    const hasBefore = await this.#partitions.hasBefore();
    return removed + (hasBefore ? await this.#removeBySlices(midnightMs) : 0);
  }

  async #removeBySlices(timeMs: number): Promise<number> {
    let removed = 0;
    for (;;) {
      const [beyond] = await this.#database.all<{ stored_ms: number }>(
        'SELECT stored_ms FROM results WHERE stored_ms < ? ORDER BY stored_ms LIMIT 1 OFFSET ?',
        timeMs,
        FORGET_BATCH,
      );
      removed += await this.#removeSlice(beyond === undefined ? timeMs : beyond.stored_ms + 1);
      if (beyond === undefined) return removed;
      // With SQLite nothing here waits for anything: whatever came meanwhile gets its turn.
      await setImmediate();
    }
  }

  /**
   * Deletes the oldest until all results take no more than `bytes` (see {@link measureResults}), and raises floors as {@link removeBefore} does. In PostgreSQL whole days
   * go, as long as there are several; of what was stored before there were tables of days, rows.
   *
   * @returns how many were deleted, and when the newest of them was stored, ms since the epoch
   */
  async removeBeyond(bytes: number, signal: AbortSignal): Promise<Removed> {
    let removed = 0;
    let untilMs: number | null = null;
    while (!signal.aborted && (await measureResults(this.#database)).bytes > bytes) {
      const oldest = (await this.#partitions?.oldest()) ?? null;
      const isWhole = oldest !== null && !oldest.isBefore && (await this.#newestMs()) >= oldest.endMs;
      if (isWhole) {
        removed += await this.#partitions!.dropUntil(oldest.endMs);
        untilMs = oldest.endMs - 1;
        continue;
      }
      const slices = await this.#removeRows(bytes, oldest, signal);
      removed += slices.removed;
      untilMs = slices.untilMs ?? untilMs;
      if (oldest === null || !oldest.isBefore || (await this.#isAnyBefore(oldest.endMs))) break;
      removed += await this.#partitions!.dropUntil(oldest.endMs);
    }
    return { removed, untilMs };
  }

  /** As {@link removeBeyond}, by rows, of the oldest tables where there are several. */
  async #removeRows(
    bytes: number,
    oldest: { readonly names: readonly string[]; readonly endMs: number } | null,
    signal: AbortSignal,
  ): Promise<Removed> {
    const { names, endMs } = oldest ?? { names: [], endMs: Number.MAX_SAFE_INTEGER };
    const measured = await measureResults(this.#database, names);
    let removed = 0;
    let untilMs: number | null = null;
    let excess = measured.bytes - bytes;
    while (excess > 0 && !signal.aborted) {
      const [newest] = await this.#database.all<{ stored_ms: number | null }>(
        `SELECT MAX(stored_ms) AS stored_ms FROM
           (SELECT stored_ms FROM results WHERE stored_ms < ? ORDER BY stored_ms LIMIT ?) AS oldest`,
        endMs,
        FORGET_BATCH,
      );
      if (newest!.stored_ms === null) break;
      untilMs = newest!.stored_ms;
      const slice = await this.#removeSlice(untilMs + 1);
      removed += slice;
      excess =
        measured.bytesEach === null
          ? (await measureResults(this.#database)).bytes - bytes
          : excess - slice * measured.bytesEach;
      await setImmediate();
    }
    return { removed, untilMs };
  }

  async #isAnyBefore(timeMs: number): Promise<boolean> {
    const found = await this.#database.all('SELECT 1 FROM results WHERE stored_ms < ? LIMIT 1', timeMs);
    return found.length > 0;
  }

  /** When the newest was stored, ms since the epoch. */
  async #newestMs(): Promise<number> {
    const [newest] = await this.#database.all<{ stored_ms: number | null }>(
      'SELECT MAX(stored_ms) AS stored_ms FROM results',
    );
    return newest!.stored_ms ?? 0;
  }

  /** Gives the disk back what was deleted, where the database can. */
  releaseSpace(signal: AbortSignal): Promise<void> {
    return releaseSpace(this.#database, signal);
  }

  async #removeSlice(timeMs: number): Promise<number> {
    return this.#database.transaction(async (inside) => {
      const forgotten = await inside.all<Position & { gateway: string }>(
        `SELECT gateway, session, MAX(sequence) AS sequence FROM results WHERE stored_ms < ?
         GROUP BY gateway, session`,
        timeMs,
      );
      const floors = new FloorStore(inside);
      for (const [gateway, places] of Map.groupBy(forgotten, (place) => place.gateway)) {
        await floors.raise(gateway, places);
      }
      await inside.run('DELETE FROM region_results WHERE stored_ms < ?', timeMs);
      return inside.run('DELETE FROM results WHERE stored_ms < ?', timeMs);
    });
  }
}
