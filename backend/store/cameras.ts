import { MAX_REGIONS } from '#protocol/names.ts';
import type { Database } from './database.ts';
import { rowsOf } from './many-rows.ts';
import { NO_ANSWERS, noteAnswer, type RecentAnswers } from './recent-answers.ts';

export type CameraRecord = { readonly camera: string; readonly gateway: string };

/** Named region of a camera; undefined for its whole picture. */
type Region = string | undefined;

/** A picture or region that has shown something the network was not trained for since some time; see `noteAnswer`. */
export type Unusual = { readonly region: Region; readonly sinceMs: number };

/** A picture or region that started or stopped showing what the network was not trained for. */
export type Turn = { readonly region: Region; readonly unusual: boolean; readonly recent: RecentAnswers };

export type WithheldRecord = {
  readonly camera: string;
  /** Answers withheld since the camera was first seen. */
  readonly withheld: number;
  readonly unusual: readonly Unusual[];
};

/** Column `recent`: by region, '' for the whole picture. */
type Recent = [region: string, recent: RecentAnswers][];

/** Cameras that one gateway may claim; its births name at most as many. */
const MAX_CAMERAS = 64;

/**
 * Counts how an answer ended.
 *
 * @param before as it was stored; undefined where the camera's name may have been freed in the meantime
 * @returns what is to be stored, and what turned; null where nothing changes
 */
export function noteEnd(
  before: string | undefined,
  regions: readonly string[] | undefined,
  withheld: boolean,
  nowMs: number,
): { readonly recent: string; readonly turns: Turn[] } | null {
  if (before === undefined) return null;
  const all = new Map(JSON.parse(before) as Recent);
  const turns: Turn[] = [];
  for (const region of regions ?? [undefined]) {
    const earlier = all.get(region ?? '') ?? NO_ANSWERS;
    const recent = noteAnswer(earlier, withheld, nowMs);
    all.set(region ?? '', recent);
    const unusual = recent.unusualSinceMs !== null;
    if (unusual !== (earlier.unusualSinceMs !== null)) turns.push({ region, unusual, recent });
  }
  // A gateway that invents names must not fill the disk: the oldest goes first.
  const recent = JSON.stringify([...all].slice(-(MAX_REGIONS + 1)));
  return withheld || recent !== before ? { recent, turns } : null;
}

/** Which gateway owns a camera: the first that claims it. */
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

  /** Keeps a name that nobody has for a gateway; the camera is not listed until it is announced. */
  async reserve(camera: string, gateway: string, timeMs: number): Promise<void> {
    await this.#database.run(
      'INSERT INTO cameras (camera, gateway, claimed_ms, retired_ms) VALUES (?, ?, ?, ?) ON CONFLICT (camera) DO NOTHING',
      ...[camera, gateway, timeMs, timeMs],
    );
  }

  /** Gives a camera to a gateway, whoever had it: the owner's word. @returns who had it before, or null */
  async assign(camera: string, gateway: string, timeMs: number): Promise<string | null> {
    const before = await this.owner(camera);
    if (before === gateway) return before;
    if (before !== null) await this.release(camera);
    await this.#database.run(
      'INSERT INTO cameras (camera, gateway, claimed_ms) VALUES (?, ?, ?) ON CONFLICT (camera) DO UPDATE SET gateway = excluded.gateway',
      camera,
      gateway,
      timeMs,
    );
    return before;
  }

  async owner(camera: string): Promise<string | null> {
    const [row] = await this.#database.all<{ gateway: string }>(
      'SELECT gateway FROM cameras WHERE camera = ?',
      camera,
    );
    return row?.gateway ?? null;
  }

  /** The owners of cameras, by name, without those that nobody owns. */
  async owners(cameras: readonly string[]): Promise<Map<string, string>> {
    const select = 'SELECT camera, gateway FROM cameras WHERE camera IN';
    const rows = await rowsOf<CameraRecord>(this.#database, select, cameras);
    return new Map(rows.map(({ camera, gateway }) => [camera, gateway]));
  }

  async #countOf(gateway: string): Promise<number> {
    const [row] = await this.#database.all<{ count: number }>(
      'SELECT COUNT(*) AS count FROM cameras WHERE gateway = ?',
      gateway,
    );
    return row?.count ?? 0;
  }

  /**
   * Accepts which cameras a gateway says it has now. Its others are retired: their late answers are still accepted, but they are not listed.
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

  /** Frees a name for the next gateway that claims it. @returns the previous owner, or null. */
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

  /**
   * Counts how an answer about the whole picture, or about each of `regions`, ended. Call it in a transaction.
   *
   * @param withheld `company` where the picture of another camera may be why: that says nothing about this one
   * @returns what started or stopped being unusual because of it.
   */
  async noteAnswer(
    camera: string,
    regions: readonly string[] | undefined,
    withheld: boolean | 'company',
    nowMs: number,
  ): Promise<Turn[]> {
    if (withheld === 'company') {
      await this.#database.run('UPDATE cameras SET withheld = withheld + 1 WHERE camera = ?', camera);
      return [];
    }
    const noted = noteEnd((await this.recent([camera])).get(camera), regions, withheld, nowMs);
    if (noted === null) return [];
    await this.#database.run(
      'UPDATE cameras SET recent = ?, withheld = withheld + ? WHERE camera = ?',
      noted.recent,
      withheld ? 1 : 0,
      camera,
    );
    return noted.turns;
  }

  /** How the latest answers of cameras ended, by name; see {@link noteEnd}. */
  async recent(cameras: readonly string[]): Promise<Map<string, string>> {
    const rows = await rowsOf<{ camera: string; recent: string | null }>(
      this.#database,
      'SELECT camera, recent FROM cameras WHERE camera IN',
      cameras,
    );
    return new Map(rows.map(({ camera, recent }) => [camera, recent ?? '[]']));
  }

  /** What was withheld for each camera, by name. */
  async withheld(): Promise<WithheldRecord[]> {
    const rows = await this.#database.all<{ camera: string; withheld: number; recent: string | null }>(
      'SELECT camera, withheld, recent FROM cameras ORDER BY camera',
    );
    return rows.map(({ camera, withheld, recent }) => ({
      camera,
      withheld,
      unusual: (JSON.parse(recent ?? '[]') as Recent).flatMap(([name, { unusualSinceMs }]) =>
        unusualSinceMs === null ? [] : [{ region: name === '' ? undefined : name, sinceMs: unusualSinceMs }],
      ),
    }));
  }

  /** All cameras that are not retired, by name. */
  async list(): Promise<CameraRecord[]> {
    return this.#database.all<CameraRecord>(
      'SELECT camera, gateway FROM cameras WHERE retired_ms IS NULL ORDER BY camera',
    );
  }
}
