import type { JournalEntry } from '#protocol/api.ts';
import type { JournalCode } from '#protocol/events.ts';
import type { LogEvent } from '#protocol/messages.ts';
import type { Database } from './database.ts';

/** Number of newest entries kept; a gateway that never stops complaining must not fill the disk. */
const KEPT = 10_000;

type NewEntry = Omit<JournalEntry, 'id' | 'time'> & { readonly timeMs: number };

type Row = { id: number; time_ms: number; level: string; code: string; subject: string; message: string };

/** What an operator should be able to read back: quarantines, refusals, deployments, conflicts. */
export class JournalStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(entry: NewEntry & { readonly code: JournalCode }): Promise<void> {
    await this.#write(entry);
  }

  /** What a gateway says of itself; another version's registry may hold codes unknown here. */
  async addReported(gateway: string, { level, code, message }: LogEvent, timeMs: number): Promise<void> {
    await this.#write({ timeMs, level, code, subject: gateway, message });
  }

  async #write(entry: NewEntry): Promise<void> {
    await this.#database.transaction(async (inside) => {
      const [row] = await inside.all<{ id: number }>(
        'INSERT INTO journal (time_ms, level, code, subject, message) VALUES (?, ?, ?, ?, ?) RETURNING id',
        entry.timeMs,
        entry.level,
        entry.code,
        entry.subject,
        entry.message,
      );
      await inside.run('DELETE FROM journal WHERE id <= ?', (row?.id ?? 0) - KEPT);
    });
  }

  /** Newest first. */
  async latest(limit: number): Promise<JournalEntry[]> {
    const rows = await this.#database.all<Row>('SELECT * FROM journal ORDER BY id DESC LIMIT ?', limit);
    return rows.map((row) => ({
      id: row.id,
      time: new Date(row.time_ms).toISOString(),
      level: row.level as JournalEntry['level'],
      code: row.code,
      subject: row.subject,
      message: row.message,
    }));
  }
}
