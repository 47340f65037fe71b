import type { Database } from './database.ts';

/** Sealed bytes by record identity; the store never sees the content (see ../sealing/vault.ts). */
export class SecretStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores a sealed secret. A second one with the same identity is a database error. */
  async add(identity: string, sealed: Uint8Array, createdMs: number): Promise<void> {
    await this.#database.run(
      'INSERT INTO secrets (identity, sealed, created_ms) VALUES (?, ?, ?)',
      identity,
      sealed,
      createdMs,
    );
  }

  /** Stores a sealed secret in the place of the one before it, if there is one. */
  async replace(identity: string, sealed: Uint8Array, createdMs: number): Promise<void> {
    await this.#database.run(
      `INSERT INTO secrets (identity, sealed, created_ms) VALUES (?, ?, ?)
       ON CONFLICT (identity) DO UPDATE SET sealed = excluded.sealed, created_ms = excluded.created_ms`,
      identity,
      sealed,
      createdMs,
    );
  }

  /** One that is not there is no error. */
  async remove(identity: string): Promise<void> {
    await this.#database.run('DELETE FROM secrets WHERE identity = ?', identity);
  }

  async get(identity: string): Promise<Uint8Array | null> {
    const [row] = await this.#database.all<{ sealed: Uint8Array }>(
      'SELECT sealed FROM secrets WHERE identity = ?',
      identity,
    );
    return row?.sealed ?? null;
  }

  async identities(): Promise<string[]> {
    const rows = await this.#database.all<{ identity: string }>(
      'SELECT identity FROM secrets ORDER BY identity',
    );
    return rows.map((row) => row.identity);
  }
}
