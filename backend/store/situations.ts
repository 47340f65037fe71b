import type { Database } from './database.ts';
import { insertRows } from './many-rows.ts';

/** What a situation is about; an empty region or zone is the whole picture. */
export type SituationKey = {
  readonly camera: string;
  readonly region: string;
  readonly zone: string;
  readonly label: string;
};

type Row = SituationKey & { readonly state: string };

/** What is there now, by camera, region, zone and label, in a form that only its writer knows; and how many events an hour has had. */
export class SituationStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async all(): Promise<(SituationKey & { readonly state: unknown })[]> {
    const rows = await this.#database.all<Row>(
      'SELECT * FROM situations ORDER BY camera, region, zone, label',
    );
    return rows.map((row) => ({ ...row, state: JSON.parse(row.state) as unknown }));
  }

  /** @param states of different situations */
  async put(states: readonly (readonly [key: SituationKey, state: unknown])[]): Promise<void> {
    await insertRows(
      this.#database,
      'INSERT INTO situations (camera, region, zone, label, state)',
      states.map(([{ camera, region, zone, label }, state]) => [
        ...[camera, region, zone, label],
        JSON.stringify(state),
      ]),
      'ON CONFLICT (camera, region, zone, label) DO UPDATE SET state = excluded.state',
    );
  }

  async remove({ camera, region, zone, label }: SituationKey): Promise<void> {
    await this.#database.run(
      'DELETE FROM situations WHERE camera = ? AND region = ? AND zone = ? AND label = ?',
      ...[camera, region, zone, label],
    );
  }
}
