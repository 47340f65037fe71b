import type { Zone } from '#protocol/zone.ts';
import type { Database } from './database.ts';

type Row = { readonly camera: string; readonly name: string; readonly corners: string };

const fromRow = ({ name, corners }: Row): Zone => ({ name, corners: JSON.parse(corners) });

/** The zones of cameras. They belong to the name of the camera, whichever gateway has it. */
export class ZoneStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns false where the camera has a zone of that name. */
  async add(camera: string, { name, corners }: Zone): Promise<boolean> {
    const added = await this.#database.run(
      'INSERT INTO zones (camera, name, corners) VALUES (?, ?, ?) ON CONFLICT (camera, name) DO NOTHING',
      ...[camera, name, JSON.stringify(corners)],
    );
    return added === 1;
  }

  /** @returns false where there is none. */
  async remove(camera: string, name: string): Promise<boolean> {
    return (await this.#database.run('DELETE FROM zones WHERE camera = ? AND name = ?', camera, name)) === 1;
  }

  /** Those of one camera, by name. */
  async of(camera: string): Promise<Zone[]> {
    const rows = await this.#database.all<Row>('SELECT * FROM zones WHERE camera = ? ORDER BY name', camera);
    return rows.map(fromRow);
  }

  /** Those of all cameras that have any, by name. */
  async all(): Promise<ReadonlyMap<string, readonly Zone[]>> {
    const rows = await this.#database.all<Row>('SELECT * FROM zones ORDER BY camera, name');
    const zones = Map.groupBy(rows, ({ camera }) => camera);
    return new Map([...zones].map(([camera, own]) => [camera, own.map(fromRow)]));
  }
}
