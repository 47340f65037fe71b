import { setImmediate } from 'node:timers/promises';
import type { Result } from '#protocol/messages.ts';
import type { Database } from './database.ts';
import { FloorStore } from './floors.ts';
import type { Position } from './gateways.ts';
import { measureResults } from './measure-results.ts';
import { releaseSpace } from './release-space.ts';

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

/** Answers read to find the newest of each region: a camera has at most as many regions. */
const NEWEST_REGIONS = 64;
/** Envelopes deleted in one transaction, to spare memory and whoever waits for the store. */
const FORGET_BATCH = 2000;

type Stored = { readonly result: string; readonly version: number };

/** An answer as it was stored; those of before name no version of their network, but their row does. */
export function readResult({ result, version }: Stored): Result {
  const stored = JSON.parse(result) as Result;
  return { ...stored, modelVersion: stored.modelVersion ?? version };
}

export class ResultStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Stores a result and each of its regions, idempotently by (gateway, session, sequence). Call it in a transaction.
   *
   * @returns false if it is stored already.
   */
  async add(record: ResultRecord): Promise<boolean> {
    const whole = record.results.find(({ region }) => region === undefined);
    const changed = await this.#database.run(
      `INSERT INTO results
       (gateway, session, sequence, digest, camera, model, version, frame_ms, stored_ms, withheld, result)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (gateway, session, sequence) DO NOTHING`,
      record.gateway,
      record.session,
      record.sequence,
      record.digest,
      record.camera,
      record.model,
      record.version,
      record.frameMs,
      record.storedMs,
      record.withheld,
      whole === undefined ? null : JSON.stringify(whole),
    );
    if (changed !== 1) return false;
    for (const result of record.results) await this.#addRegion(record, result);
    return true;
  }

  async #addRegion(record: ResultRecord, result: Result): Promise<void> {
    if (result.region === undefined) return;
    await this.#database.run(
      `INSERT INTO region_results
       (gateway, session, sequence, region, camera, frame_ms, stored_ms, result)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (gateway, session, sequence, region) DO NOTHING`,
      record.gateway,
      record.session,
      record.sequence,
      result.region,
      record.camera,
      record.frameMs,
      record.storedMs,
      JSON.stringify(result),
    );
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
      `SELECT region, region_results.result, version
       FROM region_results JOIN results USING (gateway, session, sequence)
       WHERE region_results.camera = ? AND region_results.frame_ms <= ?
       ORDER BY region_results.frame_ms DESC, region LIMIT ?`,
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

  /** Whether an envelope with this ciphertext was settled about a picture of a camera at exactly this time, ms. */
  async hasAbout(camera: string, frameMs: number, digest: string): Promise<boolean> {
    const [row] = await this.#database.all(
      'SELECT 1 AS found FROM results WHERE camera = ? AND frame_ms = ? AND digest = ? LIMIT 1',
      camera,
      frameMs,
      digest,
    );
    return row !== undefined;
  }

  /** How many envelopes about pictures of a camera within [fromMs, toMs) are settled, whatever the outcome. */
  async countAbout(camera: string, fromMs: number, toMs: number): Promise<number> {
    const [row] = await this.#database.all<{ count: number }>(
      'SELECT COUNT(*) AS count FROM results WHERE camera = ? AND frame_ms >= ? AND frame_ms < ?',
      camera,
      fromMs,
      toMs,
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
    const rows =
      region === undefined
        ? await this.#database.all<Row>(
            `SELECT frame_ms, result, version FROM results
             WHERE camera = ? AND frame_ms >= ? AND frame_ms < ? AND result IS NOT NULL
             ORDER BY frame_ms DESC LIMIT ?`,
            camera,
            sinceMs,
            beforeMs,
            limit,
          )
        : await this.#database.all<Row>(
            `SELECT region_results.frame_ms AS frame_ms, region_results.result, version
             FROM region_results JOIN results USING (gateway, session, sequence)
             WHERE region_results.camera = ? AND region_results.frame_ms >= ? AND region_results.frame_ms < ?
               AND region = ?
             ORDER BY region_results.frame_ms DESC LIMIT ?`,
            camera,
            sinceMs,
            beforeMs,
            region,
            limit,
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
    const rows = await this.#database.all<{ frame_ms: number }>(
      `SELECT MAX(frame_ms) AS frame_ms FROM results
       WHERE camera = ? AND frame_ms >= ? AND frame_ms < ? AND withheld IS NOT NULL
       GROUP BY frame_ms - frame_ms % ? ORDER BY 1 DESC LIMIT ?`,
      camera,
      sinceMs,
      beforeMs,
      slotMs,
      limit,
    );
    return rows.reverse().map((row) => row.frame_ms);
  }

  /**
   * Deletes what was stored before a time, and raises each gateway's floors above it, so that nothing deleted can be decrypted again.
   *
   * @returns how many were deleted.
   */
  async removeBefore(timeMs: number): Promise<number> {
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
   * Deletes the oldest until all results take no more than `bytes` (see {@link measureResults}), and raises floors as {@link removeBefore} does.
   *
   * @returns how many were deleted, and when the newest of them was stored, ms since the epoch
   */
  async removeBeyond(
    bytes: number,
    signal: AbortSignal,
  ): Promise<{ readonly removed: number; readonly untilMs: number | null }> {
    const measured = await measureResults(this.#database);
    let removed = 0;
    let untilMs: number | null = null;
    let excess = measured.bytes - bytes;
    while (excess > 0 && !signal.aborted) {
      const [newest] = await this.#database.all<{ stored_ms: number | null }>(
        'SELECT MAX(stored_ms) AS stored_ms FROM (SELECT stored_ms FROM results ORDER BY stored_ms LIMIT ?) AS oldest',
        FORGET_BATCH,
      );
      untilMs = newest!.stored_ms;
      if (untilMs === null) break;
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
