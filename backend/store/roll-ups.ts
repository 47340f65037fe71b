import type { Result } from '#protocol/messages.ts';
import type { Database, Value } from './database.ts';
import { RollUp } from './roll-up.ts';
import { ROLL_UP_LEVELS, type RollUpLevel } from './roll-up-level.ts';

/** What roll-ups are about: the answers of one network about a picture or one of its regions; or the answers of a camera that were withheld. */
export type RollUpLine = {
  readonly id: number;
  readonly camera: string;
  /** Empty for the whole picture. */
  readonly region: string;
  /** Empty for those that were withheld. */
  readonly model: string;
  readonly task: NonNullable<Result['task']> | 'classification' | 'withheld';
  /** What the newest answer told, if not probabilities. */
  readonly output: NonNullable<Result['output']> | null;
  /** In the order of their indices in roll-ups; it only grows. */
  readonly labels: readonly string[];
  /** Newest day with answers, days since the epoch. */
  readonly newestDay: number;
};

type NewLine = Omit<RollUpLine, 'id'>;
type LineRow = {
  id: number;
  camera: string;
  region: string;
  model: string;
  task: string;
  output: string | null;
};
type Row = { start: number; line: number; data: Uint8Array };

/** The answers of a line in the slot `start`, in units of the level since the epoch. */
export type RollUpRow = { readonly start: number; readonly line: number; readonly rollUp: RollUp };
export type RollUpPlace = { readonly level: RollUpLevel; readonly start: number; readonly line: number };

/** Slots that one statement asks for. */
const SLOTS = 256;
/** Rows of one statement that writes: a few lengths, because a statement of each is kept. */
const WRITES = [64, 16, 4, 1];

/**
 * Answers added up by minute, hour and day. Ordered by time before line: what is written now lies together, and so does what is to be forgotten.
 */
export class RollUpStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All lines of a camera, or of all cameras. */
  async lines(camera?: string): Promise<RollUpLine[]> {
    type Stored = LineRow & { labels: string; newest_day: number };
    const rows =
      camera === undefined
        ? await this.#database.all<Stored>('SELECT * FROM roll_up_lines ORDER BY id')
        : await this.#database.all<Stored>(
            'SELECT * FROM roll_up_lines WHERE camera = ? ORDER BY id',
            camera,
          );
    return rows.map(({ labels, newest_day: newestDay, ...row }) => ({
      ...(row as LineRow & Pick<RollUpLine, 'task' | 'output'>),
      labels: JSON.parse(labels) as string[],
      newestDay,
    }));
  }

  /** @returns its id */
  async addLine({ camera, region, model, task, output, labels, newestDay }: NewLine): Promise<number> {
    const [row] = await this.#database.all<{ id: number }>(
      `INSERT INTO roll_up_lines (camera, region, model, task, output, labels, newest_day)
       VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      ...[camera, region, model, task, output, JSON.stringify(labels), newestDay],
    );
    return row!.id;
  }

  async setLine({ id, output, labels, newestDay }: RollUpLine): Promise<void> {
    await this.#database.run(
      'UPDATE roll_up_lines SET output = ?, labels = ?, newest_day = ? WHERE id = ?',
      ...[output, JSON.stringify(labels), newestDay, id],
    );
  }

  /** Forgets lines without an answer since a day, days since the epoch. @returns how many */
  removeLinesBefore(day: number): Promise<number> {
    return this.#database.run('DELETE FROM roll_up_lines WHERE newest_day < ?', day);
  }

  /** The first slot of a level that has a roll-up, of whatever line; null where none has. */
  async oldest(level: RollUpLevel): Promise<number | null> {
    const [row] = await this.#database.all<{ start: number | null }>(
      'SELECT MIN(start) AS start FROM roll_ups WHERE level = ?',
      levelNumber(level),
    );
    return row?.start ?? null;
  }

  async get({ level, start, line }: RollUpPlace): Promise<RollUp | null> {
    const [row] = await this.#database.all<Row>(
      'SELECT data FROM roll_ups WHERE level = ? AND start = ? AND line = ?',
      ...[levelNumber(level), start, line],
    );
    return row === undefined ? null : RollUp.unpack(row.data);
  }

  /** Writes roll-ups over those that are there. */
  async put(rows: readonly (RollUpPlace & { readonly rollUp: RollUp })[]): Promise<void> {
    let at = 0;
    for (const length of WRITES) {
      for (; at + length <= rows.length; at += length) {
        const values = rows
          .slice(at, at + length)
          .flatMap(({ level, start, line, rollUp }): Value[] => [
            levelNumber(level),
            start,
            line,
            rollUp.pack(),
          ]);
        await this.#database.run(
          `INSERT INTO roll_ups (level, start, line, data) VALUES ${Array(length).fill('(?, ?, ?, ?)').join(', ')}
           ON CONFLICT (level, start, line) DO UPDATE SET data = excluded.data`,
          ...values,
        );
      }
    }
  }

  /** Of one line, in slots from `from` (inclusive) to `before`, at most 256 of them, ascending. Takes no longer where there are many lines. */
  async span(level: RollUpLevel, line: number, from: number, before: number): Promise<RollUpRow[]> {
    const starts = Array.from({ length: SLOTS }, (_, index) => Math.min(from + index, before - 1));
    const rows = await this.#database.all<Row>(
      `SELECT start, line, data FROM roll_ups WHERE level = ? AND line = ? AND start IN (${starts.map(() => '?').join(', ')})
       ORDER BY start`,
      ...[levelNumber(level), line, ...starts],
    );
    return rows.map(unpacked);
  }

  /** Of all lines, in slots from `from` (inclusive) to `before`, ascending. */
  async all(level: RollUpLevel, from: number, before: number): Promise<RollUpRow[]> {
    const rows = await this.#database.all<Row>(
      'SELECT start, line, data FROM roll_ups WHERE level = ? AND start >= ? AND start < ? ORDER BY start, line',
      ...[levelNumber(level), from, before],
    );
    return rows.map(unpacked);
  }

  /**
   * Forgets the oldest roll-ups of a level, about `most` of them, as far as their slot is before `start`.
   *
   * @returns whether there may be more.
   */
  async removeSomeBefore(level: RollUpLevel, start: number, most: number): Promise<boolean> {
    const number = levelNumber(level);
    const [beyond] = await this.#database.all<{ start: number }>(
      'SELECT start FROM roll_ups WHERE level = ? AND start < ? ORDER BY start LIMIT 1 OFFSET ?',
      ...[number, start, most],
    );
    const last = beyond?.start ?? start - 1;
    await this.#database.run('DELETE FROM roll_ups WHERE level = ? AND start <= ?', number, last);
    return beyond !== undefined;
  }
}

/** How many slots {@link RollUpStore.span} reads at most. */
export const SPAN_SLOTS = SLOTS;

function levelNumber(level: RollUpLevel): number {
  return ROLL_UP_LEVELS.indexOf(level);
}

function unpacked({ start, line, data }: Row): RollUpRow {
  return { start, line, rollUp: RollUp.unpack(data) };
}
