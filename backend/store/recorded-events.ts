import type { RecordedEvent } from '#protocol/recorded-event.ts';
import type { Database } from './database.ts';
import { inRuns, marks } from './many-rows.ts';
import type { SituationKey } from './situations.ts';

type Row = {
  id: number;
  camera: string;
  region: string;
  zone: string;
  label: string;
  model: string;
  start_ms: number;
  end_ms: number | null;
  peak: number | null;
  answers: number;
  reviewed_by: string | null;
  reviewed_ms: number | null;
};

/** What has been seen of an event so far. */
export type Seen = { readonly peak: number | null; readonly answers: number };

/** How an event has changed; `endMs` is null while it lasts. */
export type EventChange = Seen & {
  readonly id: number;
  readonly startMs: number;
  readonly endMs: number | null;
};

export type EventFilter = {
  readonly camera?: string;
  /** Those that lasted at or after this, ms. */
  readonly sinceMs?: number;
  /** Those that began before this, ms. */
  readonly untilMs?: number;
  readonly reviewed?: boolean;
  readonly limit: number;
};

/** An hour of a camera: how many of its events are kept, and how many more there were. */
export type EventHour = { readonly hourMs: number; readonly kept: number; readonly omitted: number };

/** Events deleted at a time, so that nobody waits long for the store. */
const SLICE = 5000;

const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Events: what was there for a while. */
export class RecordedEventStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns its number. */
  async begin(
    { camera, region, zone, label }: SituationKey,
    model: string,
    startMs: number,
    { peak, answers }: Seen,
  ): Promise<number> {
    const [row] = await this.#database.all<{ id: number }>(
      `INSERT INTO events (camera, region, zone, label, model, start_ms, peak, answers)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      ...[camera, region, zone, label, model, Math.round(startMs), peak, answers],
    );
    return row!.id;
  }

  /** @param endMs null while it lasts */
  async update(id: number, startMs: number, endMs: number | null, seen: Seen): Promise<void> {
    await this.updateAll([{ id, startMs, endMs, ...seen }]);
  }

  /** The same of different events. */
  async updateAll(events: readonly EventChange[]): Promise<void> {
    const { integer } = this.#database.dialect;
    const number = `CAST(? AS ${integer})`;
    const columns = [number, number, number, 'CAST(? AS DOUBLE PRECISION)', number];
    for (const run of inRuns(events))
      await this.#database.run(
        `WITH seen (id, start_ms, end_ms, peak, answers) AS (VALUES ${marks(run.length, columns)})
         UPDATE events SET start_ms = seen.start_ms, end_ms = seen.end_ms, peak = seen.peak, answers = seen.answers
         FROM seen WHERE events.id = seen.id`,
        ...run.flatMap(({ id, startMs, endMs, peak, answers }) => [
          ...[id, Math.round(startMs), endMs === null ? null : Math.round(endMs)],
          ...[peak, answers],
        ]),
      );
  }

  /** Whether an event of the same subject lasted within a span, ends included. */
  async overlaps(
    { camera, region, zone, label }: SituationKey,
    fromMs: number,
    toMs: number,
  ): Promise<boolean> {
    const [row] = await this.#database.all(
      `SELECT 1 AS found FROM events WHERE camera = ? AND start_ms <= ? AND (end_ms IS NULL OR end_ms >= ?)
       AND region = ? AND zone = ? AND label = ? LIMIT 1`,
      ...[camera, Math.round(toMs), Math.round(fromMs), region, zone, label],
    );
    return row !== undefined;
  }

  /** The latest start first. */
  async list({ camera, sinceMs, untilMs, reviewed, limit }: EventFilter): Promise<RecordedEvent[]> {
    const filters: [sql: string, ...values: (string | number)[]][] = [['1 = 1']];
    if (camera !== undefined) filters.push(['camera = ?', camera]);
    if (sinceMs !== undefined) filters.push(['(end_ms IS NULL OR end_ms >= ?)', sinceMs]);
    if (untilMs !== undefined) filters.push(['start_ms < ?', untilMs]);
    if (reviewed !== undefined) filters.push([`reviewed_ms IS ${reviewed ? 'NOT ' : ''}NULL`]);
    const rows = await this.#database.all<Row>(
      `SELECT * FROM events WHERE ${filters.map(([sql]) => sql).join(' AND ')} ORDER BY start_ms DESC, id DESC LIMIT ?`,
      ...filters.flatMap(([, ...values]) => values),
      limit,
    );
    return rows.map(toView);
  }

  /**
   * Somebody has looked at it: the first one, and nobody else.
   *
   * @returns the event; null where there is none of that number.
   */
  async review(id: number, by: string, atMs: number): Promise<RecordedEvent | null> {
    await this.#database.run(
      'UPDATE events SET reviewed_by = ?, reviewed_ms = ? WHERE id = ? AND reviewed_ms IS NULL',
      ...[by, atMs, id],
    );
    const [row] = await this.#database.all<Row>('SELECT * FROM events WHERE id = ?', id);
    return row === undefined ? null : toView(row);
  }

  /** The hour that was counted last of each camera. */
  async hours(): Promise<ReadonlyMap<string, EventHour>> {
    const rows = await this.#database.all<{
      camera: string;
      hour_ms: number;
      kept: number;
      omitted: number;
    }>('SELECT * FROM event_hours');
    return new Map(
      rows.map(({ camera, hour_ms, kept, omitted }) => [camera, { hourMs: hour_ms, kept, omitted }]),
    );
  }

  async putHour(camera: string, { hourMs, kept, omitted }: EventHour): Promise<void> {
    await this.#database.run(
      `INSERT INTO event_hours (camera, hour_ms, kept, omitted) VALUES (?, ?, ?, ?)
       ON CONFLICT (camera) DO UPDATE SET hour_ms = excluded.hour_ms, kept = excluded.kept, omitted = excluded.omitted`,
      ...[camera, hourMs, kept, omitted],
    );
  }

  /** Removes some of those that ended before a time. @returns how many. */
  async removeBefore(timeMs: number): Promise<number> {
    return this.#database.run(
      'DELETE FROM events WHERE id IN (SELECT id FROM events WHERE end_ms < ? ORDER BY end_ms LIMIT ?)',
      ...[timeMs, SLICE],
    );
  }
}

function toView(row: Row): RecordedEvent {
  return {
    id: row.id,
    camera: row.camera,
    ...(row.region !== '' && { region: row.region }),
    ...(row.zone !== '' && { zone: row.zone }),
    label: row.label,
    model: row.model,
    start: isoTime(row.start_ms),
    end: row.end_ms === null ? null : isoTime(row.end_ms),
    peak: row.peak,
    answers: row.answers,
    reviewed: row.reviewed_ms === null ? null : { by: row.reviewed_by ?? '', at: isoTime(row.reviewed_ms) },
  };
}
