import type { Role } from '#protocol/roles.ts';
import type { Database } from './database.ts';

export type PersonRecord = {
  readonly name: string;
  readonly role: Role;
  /** Hash of the password with its parameters, see ../people/password.ts. */
  readonly password: string;
  /** Grows with each change of role or password, which ends the sessions from before. */
  readonly generation: number;
  readonly createdMs: number;
  /** Null while the person may log in. */
  readonly disabledMs: number | null;
};

type Row = {
  name: string;
  role: Role;
  password: string;
  generation: number;
  created_ms: number;
  disabled_ms: number | null;
};

function fromRow({ created_ms, disabled_ms, ...row }: Row): PersonRecord {
  return { ...row, createdMs: created_ms, disabledMs: disabled_ms };
}

/** Who has an account. Rows stay when somebody is removed: from the first account on, everybody has to log in. */
export class PeopleStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds a person, or lets one who was removed in again. @returns false where the name is in use. */
  async add(person: Pick<PersonRecord, 'name' | 'role' | 'password' | 'createdMs'>): Promise<boolean> {
    const changed = await this.#database.run(
      `INSERT INTO people (name, role, password, generation, created_ms) VALUES (?, ?, ?, 1, ?)
       ON CONFLICT (name) DO UPDATE SET role = excluded.role, password = excluded.password,
         generation = people.generation + 1, created_ms = excluded.created_ms, disabled_ms = NULL
       WHERE people.disabled_ms IS NOT NULL`,
      person.name,
      person.role,
      person.password,
      person.createdMs,
    );
    return changed === 1;
  }

  /** Whether there ever was an account. */
  async any(): Promise<boolean> {
    const rows = await this.#database.all<{ one: number }>('SELECT 1 AS one FROM people LIMIT 1');
    return rows.length > 0;
  }

  /** A person who may log in. */
  async get(name: string): Promise<PersonRecord | null> {
    const [row] = await this.#database.all<Row>(
      'SELECT * FROM people WHERE name = ? AND disabled_ms IS NULL',
      name,
    );
    return row === undefined ? null : fromRow(row);
  }

  /** Everybody who may log in, by name. */
  async list(): Promise<PersonRecord[]> {
    const rows = await this.#database.all<Row>(
      'SELECT * FROM people WHERE disabled_ms IS NULL ORDER BY name',
    );
    return rows.map(fromRow);
  }

  /** @returns false where there is no such person. */
  async setRole(name: string, role: Role): Promise<boolean> {
    return this.#change(name, 'role = ?', role);
  }

  /** @returns false where there is no such person. */
  async setPassword(name: string, password: string): Promise<boolean> {
    return this.#change(name, 'password = ?', password);
  }

  /** @returns false where there is no such person. */
  async disable(name: string, timeMs: number): Promise<boolean> {
    return this.#change(name, 'disabled_ms = ?', timeMs);
  }

  async #change(name: string, assignment: string, value: string | number): Promise<boolean> {
    const changed = await this.#database.run(
      `UPDATE people SET ${assignment}, generation = generation + 1 WHERE name = ? AND disabled_ms IS NULL`,
      value,
      name,
    );
    return changed === 1;
  }
}
