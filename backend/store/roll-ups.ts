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
type Row = { slot: number; line: number; data: Uint8Array };

/** The answers of a line in the slot `start`, in units of the level since the epoch. */
export type RollUpRow = { readonly start: number; readonly line: number; readonly rollUp: RollUp };
export type RollUpPlace = { readonly level: RollUpLevel; readonly start: number; readonly line: number };

/** Slots that one statement asks for. */
const SLOTS = 256;
/** Slots of one level, as they are numbered: three times as many fit into four bytes. */
const LEVEL_SLOTS = 700_000_000;
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
    const span = [slotOf(level, 0), slotOf(level, LEVEL_SLOTS)];
    const [row] = await this.#database.all<{ slot: number | null }>(
      `SELECT MIN(slot) AS slot FROM (
         SELECT MIN(slot) AS slot FROM roll_ups WHERE slot >= ? AND slot < ?
         UNION ALL SELECT MIN(slot) FROM open_roll_ups WHERE slot >= ? AND slot < ?) AS both_tables`,
      ...[...span, ...span],
    );
    const slot = row?.slot ?? null;
    return slot === null ? null : slot - slotOf(level, 0);
  }

  /** A roll-up, and whether it is among those of slots that are not over; null where there is none. */
  async get({ level, start, line }: RollUpPlace): Promise<{ rollUp: RollUp; isOpen: boolean } | null> {
    const place = [slotOf(level, start), line];
    const [row] = await this.#database.all<{ data: Uint8Array; is_open: number }>(
      `SELECT data, 1 AS is_open FROM open_roll_ups WHERE slot = ? AND line = ?
       UNION ALL SELECT data, 0 FROM roll_ups WHERE slot = ? AND line = ?`,
      ...[...place, ...place],
    );
    return row === undefined ? null : { rollUp: RollUp.unpack(row.data), isOpen: row.is_open === 1 };
  }

  /** Writes roll-ups over those that are there. One that {@link get} found has to stay open, or not, as it was. */
  async put(
    rows: readonly (RollUpPlace & { readonly rollUp: RollUp; readonly isOpen: boolean })[],
  ): Promise<void> {
    await this.#putInto(
      'open_roll_ups',
      rows.filter(({ isOpen }) => isOpen),
    );
    await this.#putInto(
      'roll_ups',
      rows.filter(({ isOpen }) => !isOpen),
    );
  }

  async #putInto(
    table: 'roll_ups' | 'open_roll_ups',
    rows: readonly (RollUpPlace & { readonly rollUp: RollUp })[],
  ): Promise<void> {
    let at = 0;
    for (const length of WRITES) {
      for (; at + length <= rows.length; at += length) {
        const values = rows
          .slice(at, at + length)
          .flatMap(({ level, start, line, rollUp }): Value[] => [slotOf(level, start), line, rollUp.pack()]);
        await this.#database.run(
          `INSERT INTO ${table} (slot, line, data) VALUES ${Array(length).fill('(?, ?, ?)').join(', ')}
           ON CONFLICT (slot, line) DO UPDATE SET data = excluded.data`,
          ...values,
        );
      }
    }
  }

  /** Roll-ups of slots before `start` are open no more. */
  async close(level: RollUpLevel, start: number): Promise<void> {
    const over = [slotOf(level, 0), slotOf(level, start)];
    await this.#database.run(
      `INSERT INTO roll_ups (slot, line, data)
       SELECT slot, line, data FROM open_roll_ups WHERE slot >= ? AND slot < ? ORDER BY slot, line`,
      ...over,
    );
    await this.#database.run('DELETE FROM open_roll_ups WHERE slot >= ? AND slot < ?', ...over);
  }

  /** Of one line, in slots from `from` (inclusive) to `before`, at most 256 of them, ascending. Takes no longer where there are many lines. */
  async span(level: RollUpLevel, line: number, from: number, before: number): Promise<RollUpRow[]> {
    const slots = Array.from({ length: SLOTS }, (_, index) =>
      slotOf(level, Math.min(from + index, before - 1)),
    );
    const rows = await this.#database.all<Row>(
      `SELECT slot, line, data FROM roll_ups WHERE line = ? AND slot IN (${slots.map(() => '?').join(', ')})
       UNION ALL SELECT slot, line, data FROM open_roll_ups WHERE line = ? AND slot >= ? AND slot <= ? ORDER BY slot`,
      ...[line, ...slots, line, slots[0]!, slots.at(-1)!],
    );
    return rows.map((row) => unpacked(level, row));
  }

  /** Of all lines, in slots from `from` (inclusive) to `before`, ascending. */
  async all(level: RollUpLevel, from: number, before: number): Promise<RollUpRow[]> {
    const span = [slotOf(level, from), slotOf(level, before)];
    const rows = await this.#database.all<Row>(
      `SELECT slot, line, data FROM roll_ups WHERE slot >= ? AND slot < ?
       UNION ALL SELECT slot, line, data FROM open_roll_ups WHERE slot >= ? AND slot < ? ORDER BY slot, line`,
      ...[...span, ...span],
    );
    return rows.map((row) => unpacked(level, row));
  }

  /**
   * Forgets the oldest roll-ups of a level that are not open, about `most` of them, as far as their slot is before `start`.
   *
   * @returns whether there may be more.
   */
  async removeSomeBefore(level: RollUpLevel, start: number, most: number): Promise<boolean> {
    const [first, end] = [slotOf(level, 0), slotOf(level, start)];
    const [beyond] = await this.#database.all<{ slot: number }>(
      'SELECT slot FROM roll_ups WHERE slot >= ? AND slot < ? ORDER BY slot LIMIT 1 OFFSET ?',
      ...[first, end, most],
    );
    const last = beyond?.slot ?? end - 1;
    await this.#database.run('DELETE FROM roll_ups WHERE slot >= ? AND slot <= ?', first, last);
    return beyond !== undefined;
  }
}

/** How many slots {@link RollUpStore.span} reads at most. */
export const SPAN_SLOTS = SLOTS;

/** Days, hours and minutes in one number. Minutes come last: what is added most is added at the end, and leaves no holes. There is room for a thousand years. */
function slotOf(level: RollUpLevel, start: number): number {
  const before = ROLL_UP_LEVELS.length - 1 - ROLL_UP_LEVELS.indexOf(level);
  return before * LEVEL_SLOTS + Math.max(0, Math.min(start, LEVEL_SLOTS));
}

function unpacked(level: RollUpLevel, { slot, line, data }: Row): RollUpRow {
  return { start: slot - slotOf(level, 0), line, rollUp: RollUp.unpack(data) };
}
