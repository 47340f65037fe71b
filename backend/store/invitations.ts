import type { Database } from './database.ts';

export type InvitationRecord = {
  readonly gateway: string;
  /** For a gateway that exists, whose place another box takes. */
  readonly replaces: boolean;
  readonly createdMs: number;
  readonly expiresMs: number;
  /** Null while nobody used it. */
  readonly usedMs: number | null;
  /** SHA-256, hex, of the request that used it. */
  readonly requestDigest: string | null;
  /** What that request was answered: sent again to the same request, should the first answer have been lost. */
  readonly answer: string | null;
};

type Row = Omit<InvitationRecord, 'replaces'> & { readonly replaces: number };

/** Invitations of gateways. Of the secret only a digest is kept: who reads the store can enrol nobody. */
export class InvitationStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Keeps an invitation in place of unused ones for the same gateway, and forgets those that expired before `createdMs`. */
  async add(
    secretDigest: string,
    {
      gateway,
      replaces,
      createdMs,
      expiresMs,
    }: Pick<InvitationRecord, 'gateway' | 'replaces' | 'createdMs' | 'expiresMs'>,
  ): Promise<void> {
    await this.#database.run(
      'DELETE FROM invitations WHERE (gateway = ? AND used_ms IS NULL) OR expires_ms < ?',
      gateway,
      createdMs - FORGOTTEN_MS,
    );
    await this.#database.run(
      'INSERT INTO invitations (secret_digest, gateway, replaces, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?)',
      secretDigest,
      gateway,
      replaces ? 1 : 0,
      createdMs,
      expiresMs,
    );
  }

  async get(secretDigest: string): Promise<InvitationRecord | null> {
    const [row] = await this.#database.all<Row>(
      `SELECT gateway, replaces, created_ms AS "createdMs", expires_ms AS "expiresMs", used_ms AS "usedMs",
         request_digest AS "requestDigest", answer FROM invitations WHERE secret_digest = ?`,
      secretDigest,
    );
    return row === undefined ? null : { ...row, replaces: row.replaces !== 0 };
  }

  /** Uses an invitation up. Of two that try at once, one succeeds. @returns false where it was used before. */
  async use(secretDigest: string, requestDigest: string, answer: string, timeMs: number): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE invitations SET used_ms = ?, request_digest = ?, answer = ?
       WHERE secret_digest = ? AND used_ms IS NULL AND expires_ms > ?`,
      timeMs,
      requestDigest,
      answer,
      secretDigest,
      timeMs,
    );
    return changed === 1;
  }

  /** Invitations that may still be used, soonest end first. */
  async open(
    nowMs: number,
  ): Promise<Pick<InvitationRecord, 'gateway' | 'replaces' | 'createdMs' | 'expiresMs'>[]> {
    const rows = await this.#database.all<Row>(
      `SELECT gateway, replaces, created_ms AS "createdMs", expires_ms AS "expiresMs" FROM invitations
       WHERE used_ms IS NULL AND expires_ms > ? ORDER BY expires_ms, gateway`,
      nowMs,
    );
    return rows.map((row) => ({ ...row, replaces: row.replaces !== 0 }));
  }
}

/** How long it is still known that an invitation was used or has expired: longer than anybody tries. */
const FORGOTTEN_MS = 30 * 24 * 3_600_000;
