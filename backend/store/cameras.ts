import type { Database } from './database.ts';

export type CameraRecord = { readonly camera: string; readonly gateway: string };

/** Cameras that one gateway may claim; its births name at most as many. */
const MAX_CAMERAS = 64;

/** Which gateway speaks for a camera: the first that claims it. */
export class CameraStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Claims a camera that nobody owns.
   *
   * @returns the gateway that owns it now, or null where nobody does because this one has its 64 cameras
   */
  async claim(camera: string, gateway: string, timeMs: number): Promise<string | null> {
    const owner = await this.owner(camera);
    if (owner !== null || (await this.#countOf(gateway)) >= MAX_CAMERAS) return owner;
    await this.#database.run(
      'INSERT INTO cameras (camera, gateway, claimed_ms) VALUES (?, ?, ?) ON CONFLICT (camera) DO NOTHING',
      camera,
      gateway,
      timeMs,
    );
    return this.owner(camera);
  }

  async owner(camera: string): Promise<string | null> {
    const [row] = await this.#database.all<{ gateway: string }>(
      'SELECT gateway FROM cameras WHERE camera = ?',
      camera,
    );
    return row?.gateway ?? null;
  }

  async #countOf(gateway: string): Promise<number> {
    const [row] = await this.#database.all<{ count: number }>(
      'SELECT COUNT(*) AS count FROM cameras WHERE gateway = ?',
      gateway,
    );
    return row?.count ?? 0;
  }

  async list(): Promise<CameraRecord[]> {
    return this.#database.all<CameraRecord>('SELECT camera, gateway FROM cameras ORDER BY camera');
  }
}
