import type { CommandAnswer } from '#protocol/command-answer.ts';
import type { Database } from './database.ts';

/** `expired`: nobody answered in time, and nobody will carry it out; an answer that comes late all the same replaces it. */
export type CommandStatus = 'pending' | 'expired' | CommandAnswer['status'];

export type CommandRecord = {
  readonly id: string;
  readonly gateway: string;
  readonly type: string;
  /** JSON */
  readonly arguments: string;
  /** Who gave it, in their own words. */
  readonly author: string;
  /** The signed wire form. */
  readonly wire: Uint8Array;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly status: CommandStatus;
  /** When it was answered, or found expired; null while it is pending. */
  readonly settledMs: number | null;
  readonly code: string | null;
  readonly message: string | null;
  /** What the answer brought; null where it brought nothing, or is no longer kept. */
  readonly content: { readonly mediaType: string; readonly bytes: number } | null;
};

type Row = {
  id: string;
  gateway: string;
  type: string;
  arguments: string;
  author: string;
  wire: Uint8Array;
  created_ms: number;
  expires_ms: number;
  status: CommandStatus;
  settled_ms: number | null;
  code: string | null;
  message: string | null;
  media_type: string | null;
  content_bytes: number | null;
};

const COLUMNS =
  'id, gateway, type, arguments, author, wire, created_ms, expires_ms, status, settled_ms, code, message, media_type, content_bytes';

/** Commands kept for each gateway. */
const KEPT = 100;
/** Contents of answers (logs, archives) kept for each gateway. */
const KEPT_CONTENTS = 5;

function fromRow(row: Row): CommandRecord {
  const { created_ms, expires_ms, settled_ms, media_type, content_bytes, ...same } = row;
  return {
    ...same,
    createdMs: created_ms,
    expiresMs: expires_ms,
    settledMs: settled_ms,
    content: media_type === null ? null : { mediaType: media_type, bytes: content_bytes ?? 0 },
  };
}

/** What was ordered of gateways, and what they answered. */
export class CommandStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds a pending command; of those that are settled the oldest go. */
  async add(
    command: Pick<
      CommandRecord,
      'id' | 'gateway' | 'type' | 'arguments' | 'author' | 'wire' | 'createdMs' | 'expiresMs'
    >,
  ): Promise<void> {
    await this.#database.transaction(async (inside) => {
      await inside.run(
        `INSERT INTO commands (id, gateway, type, arguments, author, wire, created_ms, expires_ms, status)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending')`,
        command.id,
        command.gateway,
        command.type,
        command.arguments,
        command.author,
        command.wire,
        command.createdMs,
        command.expiresMs,
      );
      await inside.run(
        `DELETE FROM commands WHERE gateway = ? AND status <> 'pending' AND id NOT IN
           (SELECT id FROM commands WHERE gateway = ? ORDER BY created_ms DESC, id LIMIT ${KEPT})`,
        command.gateway,
        command.gateway,
      );
    });
  }

  async get(gateway: string, id: string): Promise<CommandRecord | null> {
    const [row] = await this.#database.all<Row>(
      `SELECT ${COLUMNS} FROM commands WHERE gateway = ? AND id = ?`,
      gateway,
      id,
    );
    return row === undefined ? null : fromRow(row);
  }

  /** Commands to a gateway, newest first. */
  async list(gateway: string): Promise<CommandRecord[]> {
    const rows = await this.#database.all<Row>(
      `SELECT ${COLUMNS} FROM commands WHERE gateway = ? ORDER BY created_ms DESC, id LIMIT ${KEPT}`,
      gateway,
    );
    return rows.map(fromRow);
  }

  /** Commands that nobody has answered, to gateways that were not removed, oldest first. */
  async pending(): Promise<CommandRecord[]> {
    const rows = await this.#database.all<Row>(
      `SELECT ${COLUMNS} FROM commands WHERE status = 'pending'
         AND gateway IN (SELECT name FROM gateways WHERE removed_ms IS NULL) ORDER BY created_ms, id`,
    );
    return rows.map(fromRow);
  }

  async countPending(gateway: string): Promise<number> {
    const [row] = await this.#database.all<{ count: number }>(
      `SELECT COUNT(*) AS count FROM commands WHERE gateway = ? AND status = 'pending'`,
      gateway,
    );
    return Number(row?.count ?? 0);
  }

  /** Stores the answer to a command; the first one counts. @returns false where it was answered before, or never given */
  async answer(gateway: string, id: string, answer: CommandAnswer, timeMs: number): Promise<boolean> {
    const { status, code, message, content } = answer;
    return this.#database.transaction(async (inside) => {
      const changed = await inside.run(
        `UPDATE commands SET status = ?, settled_ms = ?, code = ?, message = ?, media_type = ?, content = ?, content_bytes = ?
         WHERE gateway = ? AND id = ? AND status IN ('pending', 'expired')`,
        status,
        timeMs,
        code,
        message,
        content?.mediaType ?? null,
        content?.bytes ?? null,
        content?.bytes.length ?? null,
        gateway,
        id,
      );
      await inside.run(
        `UPDATE commands SET media_type = NULL, content = NULL, content_bytes = NULL
         WHERE gateway = ? AND content IS NOT NULL AND id NOT IN
           (SELECT id FROM commands WHERE gateway = ? AND content IS NOT NULL ORDER BY settled_ms DESC, id LIMIT ${KEPT_CONTENTS})`,
        gateway,
        gateway,
      );
      return changed === 1;
    });
  }

  /** Marks a pending command as expired. @returns false where it is not pending any more */
  async expire(id: string, timeMs: number): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE commands SET status = 'expired', settled_ms = ? WHERE id = ? AND status = 'pending'`,
      timeMs,
      id,
    );
    return changed === 1;
  }

  /** What an answer brought. */
  async content(gateway: string, id: string): Promise<Uint8Array | null> {
    const [row] = await this.#database.all<{ content: Uint8Array | null }>(
      'SELECT content FROM commands WHERE gateway = ? AND id = ?',
      gateway,
      id,
    );
    return row?.content ?? null;
  }
}
