import type { JournalEntry } from '#protocol/api.ts';
import type { JournalCode } from '#protocol/events.ts';
import type { LogEvent } from '#protocol/messages.ts';
import type { Database } from './database.ts';

/** Newest entries kept of those that no gateway brings about, and of those of each gateway. */
const KEPT = { own: 10_000, ofGateway: 1000 };

type NewEntry = Pick<JournalEntry, 'level' | 'code' | 'subject' | 'message'> & {
  readonly timeMs: number;
  /** The gateway that can bring such entries about as often as it likes: they displace its own only. */
  readonly because?: string;
};

type Row = {
  id: number;
  time_ms: number;
  level: string;
  code: string;
  subject: string;
  message: string;
  source: string | null;
};

/** What an operator should be able to read back: quarantines, refusals, deployments, conflicts. */
export class JournalStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(entry: NewEntry & { readonly code: JournalCode }): Promise<void> {
    await this.#write(entry);
  }

  /**
   * What a gateway says of itself, as its words and not as ours; another version's registry may hold codes unknown here. Its codes are not
   * among ours: see {@link JournalEntry}.
   */
  async addReported(gateway: string, { level, code, message }: LogEvent, timeMs: number): Promise<void> {
    await this.#write({ timeMs, level, code, subject: gateway, message, because: gateway }, gateway);
  }

  /** @param source the gateway whose words they are */
  async #write(entry: NewEntry, source: string | null = null): Promise<void> {
    const share = entry.because ?? null;
    await this.#database.transaction(async (inside) => {
      await inside.run(
        'INSERT INTO journal (time_ms, level, code, subject, message, source, share) VALUES (?, ?, ?, ?, ?, ?, ?)',
        entry.timeMs,
        entry.level,
        entry.code,
        entry.subject,
        entry.message,
        source,
        share,
      );
      const of = share === null ? 'share IS NULL' : 'share = ?';
      const values = share === null ? [] : [share];
      await inside.run(
        `DELETE FROM journal WHERE ${of} AND id <= (SELECT id FROM journal WHERE ${of} ORDER BY id DESC LIMIT 1 OFFSET ?)`,
        ...values,
        ...values,
        share === null ? KEPT.own : KEPT.ofGateway,
      );
    });
  }

  /**
   * Newest first.
   *
   * @param said whether also the words of gateways
   */
  async latest(limit: number, said = true): Promise<JournalEntry[]> {
    const rows = await this.#database.all<Row>(
      `SELECT * FROM journal ${said ? '' : 'WHERE source IS NULL'} ORDER BY id DESC LIMIT ?`,
      limit,
    );
    return rows.map((row) => ({
      id: row.id,
      time: new Date(row.time_ms).toISOString(),
      level: row.level as JournalEntry['level'],
      code: row.source === null ? row.code : 'GATEWAY_SAYS',
      ...(row.source !== null && { said: { gateway: row.source, code: row.code } }),
      subject: row.subject,
      message: row.source === null ? row.message : `gateway ${row.source} says: ${row.message}`,
    }));
  }
}
