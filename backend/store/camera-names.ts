import type { Database } from './database.ts';

/** How people call a camera, and the groups that it is in; absent where nobody has said. */
export type CameraNaming = { readonly displayName?: string; readonly groups?: readonly string[] };

type Row = { readonly camera: string; readonly display_name: string | null; readonly group_names: string };

/** What people call cameras. It belongs to the name of the camera, whichever gateway has it. */
export class CameraNameStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Replaces what was said of a camera. */
  async set(camera: string, { displayName, groups = [] }: CameraNaming): Promise<void> {
    await this.#database.run(
      `INSERT INTO camera_names (camera, display_name, group_names) VALUES (?, ?, ?)
       ON CONFLICT (camera) DO UPDATE SET display_name = excluded.display_name, group_names = excluded.group_names`,
      ...[camera, displayName ?? null, JSON.stringify(groups)],
    );
  }

  async of(camera: string): Promise<CameraNaming> {
    const [row] = await this.#database.all<Row>('SELECT * FROM camera_names WHERE camera = ?', camera);
    return row === undefined ? {} : fromRow(row);
  }

  /** Of all cameras of which anything was said. */
  async all(): Promise<ReadonlyMap<string, CameraNaming>> {
    const rows = await this.#database.all<Row>('SELECT * FROM camera_names');
    return new Map(rows.map((row) => [row.camera, fromRow(row)]));
  }
}

function fromRow({ display_name: displayName, group_names: groupNames }: Row): CameraNaming {
  const groups = JSON.parse(groupNames) as string[];
  return { ...(displayName !== null && { displayName }), ...(groups.length > 0 && { groups }) };
}
