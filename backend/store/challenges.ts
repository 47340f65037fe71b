import type { AnsweredPicture } from '#protocol/envelope.ts';
import type { AnswerPlace } from '#protocol/opening.ts';
import type { Database } from './database.ts';
import { rowsOf } from './many-rows.ts';

/** `missing`: no opening that opens came, though the gateway sent further answers long after it was asked. */
export type AuditVerdict = 'equal' | 'unequal' | 'missing';

/** An answer that was chosen to be opened. */
export type ChosenAnswer = Omit<AnswerPlace, 'site'> & {
  /** Pictures of the answers that were gathered after it in the same ciphertext. */
  readonly later?: readonly AnsweredPicture[];
  readonly session: number;
  readonly sequence: number;
  /** SHA-256, hex, of its ciphertext. */
  readonly digest: string;
  readonly receivedMs: number;
  /** When the gateway is to be asked: follows from `receivedMs` alone. */
  readonly dueMs: number;
};

export type ChallengeRecord = ChosenAnswer & {
  readonly id: number;
  /** Id of the message that asks for it; null before there is one. */
  readonly message: string | null;
  /** When that was sent first; null before it was. */
  readonly askedMs: number | null;
  /** As the gateway sealed it; null before it came, and again once there is a verdict. */
  readonly opening: Uint8Array | null;
  /** How often the audit failed for reasons of our own. */
  readonly undone: number;
  readonly verdict: AuditVerdict | null;
};

/** What came of the audits of a gateway. */
export type AuditCounts = {
  readonly gateway: string;
  readonly equal: number;
  readonly unequal: number;
  readonly missing: number;
  readonly lastEqualMs: number | null;
  /** Answers that were chosen and have no verdict yet. */
  readonly waiting: number;
  /** Of these, openings that are here and could not be judged for reasons of our own. */
  readonly undone: number;
};

/** Answers of a gateway that wait for their verdict. */
export type Waiting = {
  readonly count: number;
  /** When the oldest of them arrived. */
  readonly sinceMs: number;
  /** How many answers of the gateway were decrypted since the oldest was chosen. */
  readonly ahead: number;
};

type Row = {
  id: number;
  gateway: string;
  session: number;
  sequence: number;
  digest: string;
  camera: string;
  regions: string | null;
  others: string | null;
  later: string | null;
  frame_time: string;
  bundle: string;
  received_ms: number;
  due_ms: number;
  message: string | null;
  asked_ms: number | null;
  opening: Uint8Array | null;
  undone: number;
  verdict: AuditVerdict | null;
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** An equal verdict says nothing about later answers: only its count stays. */
const EQUAL_KEPT_MS = DAY_MS;
/** As long as missing answers count; see ../auditor/judgement.ts. */
export const VERDICT_KEPT_MS = 30 * DAY_MS;

function fromRow(row: Row): ChallengeRecord {
  const { regions, others, later, frame_time, received_ms, due_ms, asked_ms, ...same } = row;
  return {
    ...same,
    ...(regions !== null && { regions: JSON.parse(regions) as string[] }),
    ...(others !== null && { others: JSON.parse(others) as AnsweredPicture[] }),
    ...(later !== null && { later: JSON.parse(later) as AnsweredPicture[] }),
    frameTimeMs: Number(frame_time),
    receivedMs: received_ms,
    dueMs: due_ms,
    askedMs: asked_ms,
  };
}

const COLUMNS = `id, gateway, session, sequence, digest, camera, regions, others, later, frame_time, bundle, received_ms, due_ms,
  message, asked_ms, opening, undone, verdict`;
/** Gateways that were removed are asked nothing. */
const PRESENT = 'gateway IN (SELECT name FROM gateways WHERE removed_ms IS NULL)';

/** Answers that gateways are asked to open, and what came of it. */
export class ChallengeStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Notes that an answer was chosen. @returns false where it was noted before. */
  async choose(answer: ChosenAnswer): Promise<boolean> {
    const changed = await this.#database.run(
      `INSERT INTO challenges
         (gateway, session, sequence, digest, camera, regions, others, later, frame_time, bundle, received_ms, due_ms, decrypted, undone)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, COALESCE((SELECT decrypted FROM audited_gateways WHERE gateway = ?), 0), 0)
       ON CONFLICT (gateway, session, sequence, digest) DO NOTHING`,
      answer.gateway,
      answer.session,
      answer.sequence,
      answer.digest,
      answer.camera,
      answer.regions === undefined ? null : JSON.stringify(answer.regions),
      answer.others === undefined ? null : JSON.stringify(answer.others),
      answer.later === undefined ? null : JSON.stringify(answer.later),
      // As text: frame times may have fractions, and the opening has to fit to the last bit.
      String(answer.frameTimeMs),
      answer.bundle,
      answer.receivedMs,
      answer.dueMs,
      answer.gateway,
    );
    return changed === 1;
  }

  /** Counts answers of a gateway as decrypted; call it in the transaction that settles them. */
  async noteDecrypted(gateway: string, count = 1): Promise<void> {
    await this.#database.run(
      `INSERT INTO audited_gateways (gateway, decrypted, equal, unequal, missing, missing_row, last_equal_ms, counted_from_ms)
       VALUES (?, ?, 0, 0, 0, 0, NULL, 0)
       ON CONFLICT (gateway) DO UPDATE SET decrypted = audited_gateways.decrypted + excluded.decrypted`,
      gateway,
      count,
    );
  }

  /** What of a gateway waits for its verdict; null where nothing does. */
  async waiting(gateway: string): Promise<Waiting | null> {
    return (await this.waitingOf([gateway])).get(gateway) ?? null;
  }

  /** The same of several, by name, without those of which nothing waits. */
  async waitingOf(gateways: readonly string[]): Promise<Map<string, Waiting>> {
    const { integer } = this.#database.dialect;
    const rows = await rowsOf<{ gateway: string; count: number; since_ms: number; ahead: number | null }>(
      this.#database,
      `SELECT gateway, CAST(COUNT(*) AS ${integer}) AS count, MIN(received_ms) AS since_ms,
         (SELECT a.decrypted FROM audited_gateways AS a WHERE a.gateway = challenges.gateway) - MIN(decrypted) AS ahead
       FROM challenges WHERE verdict IS NULL AND gateway IN`,
      gateways,
      'GROUP BY gateway',
    );
    return new Map(
      rows.map((row) => [row.gateway, { count: row.count, sinceMs: row.since_ms, ahead: row.ahead ?? 0 }]),
    );
  }

  /** Chosen answers that no message asks for yet and whose time has come, of one gateway after the other, oldest first. */
  async due(nowMs: number, limit = 1000): Promise<ChallengeRecord[]> {
    const rows = await this.#database.all<Row>(
      `SELECT ${COLUMNS} FROM challenges WHERE verdict IS NULL AND message IS NULL AND due_ms <= ? AND ${PRESENT}
       ORDER BY gateway, id LIMIT ${limit}`,
      nowMs,
    );
    return rows.map(fromRow);
  }

  /** Notes that these answers are asked for by a message. */
  async ask(ids: readonly number[], message: string): Promise<void> {
    await this.#database.transaction(async (inside) => {
      for (const id of ids)
        await inside.run('UPDATE challenges SET message = ? WHERE id = ? AND message IS NULL', message, id);
    });
  }

  /** Notes that a message was sent; the first time counts. */
  async sent(gateway: string, message: string, timeMs: number): Promise<void> {
    await this.#database.run(
      'UPDATE challenges SET asked_ms = ? WHERE gateway = ? AND message = ? AND asked_ms IS NULL',
      timeMs,
      gateway,
      message,
    );
  }

  /** Answers that messages ask for and that have neither opening nor verdict, by message, in the order of each message. */
  async asked(): Promise<ChallengeRecord[]> {
    const rows = await this.#database.all<Row>(
      `SELECT ${COLUMNS} FROM challenges WHERE verdict IS NULL AND message IS NOT NULL AND opening IS NULL AND ${PRESENT}
       ORDER BY gateway, message, id`,
    );
    return rows.map(fromRow);
  }

  /** All answers that one message asks for, in its order. */
  async ofMessage(gateway: string, message: string): Promise<ChallengeRecord[]> {
    const rows = await this.#database.all<Row>(
      `SELECT ${COLUMNS} FROM challenges WHERE gateway = ? AND message = ? ORDER BY id`,
      gateway,
      message,
    );
    return rows.map(fromRow);
  }

  /** Keeps an opening until there is a verdict; the first one counts. @returns false where there was one, or a verdict. */
  async open(id: number, opening: Uint8Array): Promise<boolean> {
    const changed = await this.#database.run(
      'UPDATE challenges SET opening = ? WHERE id = ? AND opening IS NULL AND verdict IS NULL',
      opening,
      id,
    );
    return changed === 1;
  }

  /** Openings that wait for the auditor, oldest first, and those that failed before last. */
  async opened(limit: number): Promise<ChallengeRecord[]> {
    const rows = await this.#database.all<Row>(
      `SELECT ${COLUMNS} FROM challenges WHERE verdict IS NULL AND opening IS NOT NULL AND ${PRESENT}
       ORDER BY undone, id LIMIT ${limit}`,
    );
    return rows.map(fromRow);
  }

  async get(id: number): Promise<ChallengeRecord | null> {
    const [row] = await this.#database.all<Row>(`SELECT ${COLUMNS} FROM challenges WHERE id = ?`, id);
    return row === undefined ? null : fromRow(row);
  }

  /** Counts an audit that failed for reasons of our own; it is tried again. */
  async noteUndone(id: number): Promise<void> {
    await this.#database.run(
      'UPDATE challenges SET undone = undone + 1 WHERE id = ? AND verdict IS NULL',
      id,
    );
  }

  /**
   * Writes the verdict about an answer, and forgets its opening. Call it in a transaction, together with what follows from it.
   *
   * @returns how many messages in a row have answers missing; null where there was a verdict before
   */
  async settle(
    { id, gateway, message }: Pick<ChallengeRecord, 'id' | 'gateway' | 'message'>,
    verdict: AuditVerdict,
    timeMs: number,
  ): Promise<{ readonly missingInARow: number } | null> {
    const of = async (condition: string): Promise<number> =>
      (
        await this.#database.all(
          `SELECT id FROM challenges WHERE gateway = ? AND message = ? AND ${condition}`,
          gateway,
          message,
        )
      ).length;
    const missedBefore = await of("verdict = 'missing'");
    const changed = await this.#database.run(
      'UPDATE challenges SET verdict = ?, settled_ms = ?, opening = NULL WHERE id = ? AND verdict IS NULL',
      verdict,
      timeMs,
      id,
    );
    if (changed === 0) return null;
    const column = `${verdict} = audited_gateways.${verdict} + 1`;
    if (verdict === 'equal') {
      await this.#count(gateway, `${column}, last_equal_ms = ${Math.round(timeMs)}`, verdict, timeMs);
      if ((await of("(verdict IS NULL OR verdict <> 'equal')")) === 0) await this.startAnew(gateway, null);
    } else if (verdict === 'missing' && missedBefore === 0) {
      await this.#count(gateway, `${column}, missing_row = audited_gateways.missing_row + 1`, verdict);
    } else await this.#count(gateway, column, verdict);
    const [row] = await this.#database.all<{ missing_row: number }>(
      'SELECT missing_row FROM audited_gateways WHERE gateway = ?',
      gateway,
    );
    return { missingInARow: row?.missing_row ?? 0 };
  }

  /** Adds to the counts of a gateway. @param column that a first row has 1 in */
  async #count(
    gateway: string,
    change: string,
    column: AuditVerdict,
    equalMs: number | null = null,
  ): Promise<void> {
    const one = (name: AuditVerdict) => (name === column ? 1 : 0);
    await this.#database.run(
      `INSERT INTO audited_gateways (gateway, decrypted, equal, unequal, missing, missing_row, last_equal_ms, counted_from_ms)
       VALUES (?, 0, ?, ?, ?, ?, ?, 0) ON CONFLICT (gateway) DO UPDATE SET ${change}`,
      gateway,
      one('equal'),
      one('unequal'),
      one('missing'),
      one('missing'),
      equalMs,
    );
  }

  /**
   * The next missing answer is the first one in a row.
   *
   * @param fromMs from when on missing answers count against the gateway; null to leave that as it is
   */
  async startAnew(gateway: string, fromMs: number | null): Promise<void> {
    await this.#database.run(
      'UPDATE audited_gateways SET missing_row = 0, counted_from_ms = COALESCE(?, counted_from_ms) WHERE gateway = ?',
      fromMs,
      gateway,
    );
  }

  /** How many answers are missing of each message of a gateway that was found unanswered since `sinceMs`, as far as they count. */
  async missingOfMessages(gateway: string, sinceMs: number): Promise<number[]> {
    const { integer } = this.#database.dialect;
    const rows = await this.#database.all<{ count: number }>(
      `SELECT message, CAST(COUNT(*) AS ${integer}) AS count FROM challenges
       WHERE gateway = ? AND verdict = 'missing' AND settled_ms >= ?
         AND settled_ms > COALESCE((SELECT counted_from_ms FROM audited_gateways WHERE gateway = ?), 0)
       GROUP BY message`,
      gateway,
      sinceMs,
      gateway,
    );
    return rows.map(({ count }) => count);
  }

  /** What came of the audits of each gateway that has had any, by name. */
  async counts(): Promise<AuditCounts[]> {
    const { integer } = this.#database.dialect;
    const sum = (value: string) => `CAST(COALESCE(SUM(${value}), 0) AS ${integer})`;
    const [totals, waiting] = await Promise.all([
      this.#database.all<Omit<AuditCounts, 'waiting' | 'undone'>>(
        `SELECT gateway, equal, unequal, missing, last_equal_ms AS "lastEqualMs" FROM audited_gateways
         WHERE ${PRESENT} ORDER BY gateway`,
      ),
      this.#database.all<Pick<AuditCounts, 'gateway' | 'waiting' | 'undone'>>(
        `SELECT gateway, ${sum('1')} AS waiting,
           ${sum('CASE WHEN opening IS NOT NULL AND undone > 0 THEN 1 ELSE 0 END')} AS undone
         FROM challenges WHERE verdict IS NULL AND ${PRESENT} GROUP BY gateway`,
      ),
    ]);
    const none = { equal: 0, unequal: 0, missing: 0, lastEqualMs: null, waiting: 0, undone: 0 };
    const all = new Map<string, AuditCounts>();
    for (const row of [...totals, ...waiting])
      all.set(row.gateway, { ...none, ...all.get(row.gateway), ...row });
    return [...all.values()].sort((a, b) => (a.gateway < b.gateway ? -1 : 1));
  }

  /** Another box took the place of a gateway, or it was removed: what the one before was asked, nobody can answer. */
  async forgetWaiting(gateway: string): Promise<void> {
    await this.#database.run('DELETE FROM challenges WHERE gateway = ? AND verdict IS NULL', gateway);
  }

  /** After a restore: what gateways were asked at the time of the backup, they may not know any more. */
  async forgetAllWaiting(): Promise<void> {
    await this.#database.run('DELETE FROM challenges WHERE verdict IS NULL');
  }

  /**
   * Forgets what is over: equal ones after a day, others after {@link VERDICT_KEPT_MS}. What
   * was not answered stays until its gateway is removed: a liar who went away for a month is asked again when he comes back.
   *
   * @returns how many
   */
  async prune(nowMs: number): Promise<number> {
    return this.#database.run(
      `DELETE FROM challenges WHERE (verdict = 'equal' AND settled_ms < ?) OR settled_ms < ?`,
      Math.round(nowMs - EQUAL_KEPT_MS),
      Math.round(nowMs - VERDICT_KEPT_MS),
    );
  }
}
