import { CameraStore, noteEnd, type Turn } from './cameras.ts';
import type { Database } from './database.ts';
import { inRuns, marks } from './many-rows.ts';

/** `recent` is null where it stays. */
type Noted = { readonly recent: string | null; readonly withheld: number };

/** Cameras whose answers are settled: how their latest ones ended is read together, and written at the end of a transaction. */
export class LateCameras extends CameraStore {
  readonly #database: Database;
  readonly #names: readonly string[];
  #known: Map<string, string> | null = null;
  readonly #noted = new Map<string, Noted>();

  /** @param names of cameras that will be asked for; others are read one by one */
  constructor(database: Database, names: readonly string[]) {
    super(database);
    this.#database = database;
    this.#names = [...new Set(names)];
  }

  override async noteAnswer(
    camera: string,
    regions: readonly string[] | undefined,
    withheld: boolean | 'company',
    nowMs: number,
  ): Promise<Turn[]> {
    if (!this.#names.includes(camera)) return super.noteAnswer(camera, regions, withheld, nowMs);
    this.#known ??= await this.recent(this.#names);
    const before = this.#known.get(camera);
    if (before === undefined) return [];
    // The picture of another camera may be why: that says nothing about this one.
    const noted = withheld === 'company' ? null : noteEnd(before, regions, withheld, nowMs);
    if (noted === null && !withheld) return [];
    if (noted !== null) this.#known.set(camera, noted.recent);
    const earlier = this.#noted.get(camera);
    const recent = noted?.recent ?? earlier?.recent ?? null;
    this.#noted.set(camera, { recent, withheld: (earlier?.withheld ?? 0) + (withheld ? 1 : 0) });
    return noted?.turns ?? [];
  }

  async write(): Promise<void> {
    const columns = ['?', 'CAST(? AS TEXT)', `CAST(? AS ${this.#database.dialect.integer})`];
    for (const run of inRuns([...this.#noted]))
      await this.#database.run(
        `WITH noted (camera, recent, withheld) AS (VALUES ${marks(run.length, columns)})
         UPDATE cameras SET recent = COALESCE(noted.recent, cameras.recent), withheld = cameras.withheld + noted.withheld FROM noted
         WHERE cameras.camera = noted.camera`,
        ...run.flatMap(([camera, { recent, withheld }]) => [camera, recent, withheld]),
      );
    this.#noted.clear();
  }
}
