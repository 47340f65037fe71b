import type { Result } from '#protocol/messages.ts';
import type { Database } from './database.ts';
import { GatewayStore } from './gateways.ts';

/** One settled envelope: an answer, or the reason why it was withheld. */
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
  readonly result: Result | null;
};

export class ResultStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores idempotently by (gateway, session, sequence). @returns false where that one is stored already. */
  async add(record: ResultRecord): Promise<boolean> {
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
      record.result === null ? null : JSON.stringify(record.result),
    );
    return changed === 1;
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

  /** Newest answer of a camera by frame time, or null. */
  async latest(camera: string): Promise<Result | null> {
    const [row] = await this.#database.all<{ result: string }>(
      'SELECT result FROM results WHERE camera = ? AND result IS NOT NULL ORDER BY frame_ms DESC LIMIT 1',
      camera,
    );
    return row === undefined ? null : (JSON.parse(row.result) as Result);
  }

  /** Answers of a camera with frame time from `sinceMs` on, ascending; the newest `limit` of them. */
  async history(
    camera: string,
    sinceMs: number,
    limit: number,
  ): Promise<{ readonly frameMs: number; readonly result: Result }[]> {
    const rows = await this.#database.all<{ frame_ms: number; result: string }>(
      `SELECT frame_ms, result FROM results
       WHERE camera = ? AND frame_ms >= ? AND result IS NOT NULL ORDER BY frame_ms DESC LIMIT ?`,
      camera,
      sinceMs,
      limit,
    );
    return rows.reverse().map((row) => ({ frameMs: row.frame_ms, result: JSON.parse(row.result) as Result }));
  }

  /**
   * Forgets what was stored before a time, and raises the floor of each gateway over it, so that nothing that is
   * forgotten can be decrypted a second time.
   *
   * @returns how many were forgotten.
   */
  async removeBefore(timeMs: number): Promise<number> {
    return this.#database.transaction(async (inside) => {
      const gateways = new GatewayStore(inside);
      const forgotten = await inside.all<{ gateway: string; session: number; sequence: number }>(
        `SELECT gateway, session, MAX(sequence) AS sequence FROM results WHERE stored_ms < ?
         GROUP BY gateway, session`,
        timeMs,
      );
      for (const { gateway, session, sequence } of forgotten) {
        await gateways.raiseFloor(gateway, { session, sequence });
      }
      return inside.run('DELETE FROM results WHERE stored_ms < ?', timeMs);
    });
  }
}
