import type { Role } from '#protocol/roles.ts';
import type { Database } from './database.ts';

export type TokenRecord = {
  readonly name: string;
  /** Of its secret. */
  readonly hash: string;
  readonly role: Role;
  readonly createdMs: number;
  /** Null where it does not expire. */
  readonly endMs: number | null;
};

type Row = { name: string; hash: string; role: Role; created_ms: number; end_ms: number | null };

function fromRow({ created_ms, end_ms, name, hash, role }: Row): TokenRecord {
  return { name, hash, role, createdMs: created_ms, endMs: end_ms };
}

/** Tokens of programs. Revoked ones stay, so that a name in the audit log never means two. */
export class TokenStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns false where the name is or was in use. */
  async add({ name, hash, role, createdMs, endMs }: TokenRecord): Promise<boolean> {
    const changed = await this.#database.run(
      `INSERT INTO tokens (name, hash, role, created_ms, end_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (name) DO NOTHING`,
      name,
      hash,
      role,
      createdMs,
      endMs,
    );
    return changed === 1;
  }

  /** A token that was not revoked, expired or not. */
  async get(hash: string): Promise<TokenRecord | null> {
    const [row] = await this.#database.all<Row>(
      'SELECT * FROM tokens WHERE hash = ? AND revoked_ms IS NULL',
      hash,
    );
    return row === undefined ? null : fromRow(row);
  }

  /** All that were not revoked, by name. */
  async list(): Promise<TokenRecord[]> {
    const rows = await this.#database.all<Row>('SELECT * FROM tokens WHERE revoked_ms IS NULL ORDER BY name');
    return rows.map(fromRow);
  }

  /** @returns false where there is none to revoke. */
  async revoke(name: string, timeMs: number): Promise<boolean> {
    const changed = await this.#database.run(
      'UPDATE tokens SET revoked_ms = ? WHERE name = ? AND revoked_ms IS NULL',
      timeMs,
      name,
    );
    return changed === 1;
  }
}
