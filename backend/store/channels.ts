import type { ChannelKind } from '#protocol/channel.ts';
import type { Database } from './database.ts';

/** A channel as far as it is no secret; how it is reached is sealed, see ../sealing/identities.ts. */
export type ChannelRecord = {
  readonly name: string;
  readonly kind: ChannelKind;
  /** Where it leads, for a person. */
  readonly to: string;
  readonly createdMs: number;
};

type Row = { name: string; kind: ChannelKind; leads_to: string; created_ms: number };

const fromRow = ({ name, kind, leads_to, created_ms }: Row): ChannelRecord => ({
  ...{ name, kind },
  to: leads_to,
  createdMs: created_ms,
});

/** Where alerts are sent. */
export class ChannelStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns false where there is one of that name. */
  async add({ name, kind, to, createdMs }: ChannelRecord): Promise<boolean> {
    const added = await this.#database.run(
      'INSERT INTO channels (name, kind, leads_to, created_ms) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING',
      ...[name, kind, to, createdMs],
    );
    return added === 1;
  }

  /** @returns false where there is none. */
  async remove(name: string): Promise<boolean> {
    return (await this.#database.run('DELETE FROM channels WHERE name = ?', name)) === 1;
  }

  async get(name: string): Promise<ChannelRecord | null> {
    const [row] = await this.#database.all<Row>('SELECT * FROM channels WHERE name = ?', name);
    return row === undefined ? null : fromRow(row);
  }

  /** By name. */
  async list(): Promise<ChannelRecord[]> {
    return (await this.#database.all<Row>('SELECT * FROM channels ORDER BY name')).map(fromRow);
  }
}
