import type { Role } from '#protocol/roles.ts';
import type { Database } from './database.ts';

/** Newest sessions kept of one person. */
const KEPT = 50;

export type NewSession = {
  /** Of its secret. */
  readonly hash: string;
  /** Name of the person; empty for the token of the site. */
  readonly person: string;
  /** Of the person when they logged in; 0 for the token of the site. */
  readonly generation: number;
  /** Fingerprint of the token of the site; null for a person. */
  readonly siteToken: string | null;
};

export type SessionRecord = Omit<NewSession, 'hash' | 'generation'> & {
  /** Of the person now; null for the token of the site. */
  readonly role: Role | null;
  readonly createdMs: number;
  readonly usedMs: number;
};

type Row = {
  person: string;
  site_token: string | null;
  role: Role | null;
  created_ms: number;
  used_ms: number;
};

/** Who is logged in on the page: the store knows hashes of the secrets in their cookies. */
export class SessionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(session: NewSession, timeMs: number): Promise<void> {
    await this.#database.transaction(async (inside) => {
      await inside.run(
        'INSERT INTO sessions (hash, person, generation, site_token, created_ms, used_ms) VALUES (?, ?, ?, ?, ?, ?)',
        session.hash,
        session.person,
        session.generation,
        session.siteToken,
        timeMs,
        timeMs,
      );
      await inside.run(
        `DELETE FROM sessions WHERE person = ? AND hash NOT IN
           (SELECT hash FROM sessions WHERE person = ? ORDER BY created_ms DESC, hash LIMIT ${KEPT})`,
        session.person,
        session.person,
      );
    });
  }

  /** A session whose person still has the role and password that they logged in with; null for any other. */
  async get(hash: string): Promise<SessionRecord | null> {
    const [row] = await this.#database.all<Row>(
      `SELECT s.person, s.site_token, p.role, s.created_ms, s.used_ms FROM sessions AS s
       LEFT JOIN people AS p ON p.name = s.person AND p.generation = s.generation AND p.disabled_ms IS NULL
       WHERE s.hash = ? AND (p.name IS NOT NULL OR s.site_token IS NOT NULL)`,
      hash,
    );
    if (row === undefined) return null;
    const { person, site_token, role, created_ms, used_ms } = row;
    return { person, siteToken: site_token, role, createdMs: created_ms, usedMs: used_ms };
  }

  async touch(hash: string, timeMs: number): Promise<void> {
    await this.#database.run('UPDATE sessions SET used_ms = ? WHERE hash = ?', timeMs, hash);
  }

  async remove(hash: string): Promise<void> {
    await this.#database.run('DELETE FROM sessions WHERE hash = ?', hash);
  }

  /** Ends every session of a person; empty for the token of the site. */
  async removeOf(person: string): Promise<number> {
    return this.#database.run('DELETE FROM sessions WHERE person = ?', person);
  }

  /** Ends every session there is. */
  async removeAll(): Promise<void> {
    await this.#database.run('DELETE FROM sessions');
  }

  /** Forgets sessions that were opened or used last before these moments. */
  async removeOld(createdMs: number, usedMs: number): Promise<void> {
    await this.#database.run('DELETE FROM sessions WHERE created_ms < ? OR used_ms < ?', createdMs, usedMs);
  }
}
