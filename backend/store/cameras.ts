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

  /**
   * Takes a gateway's word for which cameras it has now. Others of its own are retired: an answer of theirs that comes late is still
   * taken, but they are not listed.
   */
  async setPresent(gateway: string, present: readonly string[], timeMs: number): Promise<void> {
    const rows = await this.#database.all<{ camera: string; retired_ms: number | null }>(
      'SELECT camera, retired_ms FROM cameras WHERE gateway = ?',
      gateway,
    );
    for (const { camera, retired_ms: retiredMs } of rows) {
      if (present.includes(camera) === (retiredMs === null)) continue;
      await this.#database.run(
        'UPDATE cameras SET retired_ms = ? WHERE camera = ?',
        retiredMs === null ? timeMs : null,
        camera,
      );
    }
  }

  /** All names that are claimed, also of retired cameras. */
  async claims(): Promise<(CameraRecord & { readonly retiredMs: number | null })[]> {
    return this.#database.all(
      'SELECT camera, gateway, retired_ms AS "retiredMs" FROM cameras ORDER BY camera',
    );
  }

  /** Frees a name for the next gateway that claims it. @returns whose it was, or null. */
  async release(camera: string): Promise<string | null> {
    const [row] = await this.#database.all<{ gateway: string }>(
      'DELETE FROM cameras WHERE camera = ? RETURNING gateway',
      camera,
    );
    return row?.gateway ?? null;
  }

  /** Frees all names of a gateway. */
  async releaseAll(gateway: string): Promise<void> {
    await this.#database.run('DELETE FROM cameras WHERE gateway = ?', gateway);
  }

  /** All cameras that are not retired, by name. */
  async list(): Promise<CameraRecord[]> {
    return this.#database.all<CameraRecord>(
      'SELECT camera, gateway FROM cameras WHERE retired_ms IS NULL ORDER BY camera',
    );
  }
}
