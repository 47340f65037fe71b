import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ReportedConfiguration } from '#protocol/messages.ts';
import { Digest } from '#protocol/names.ts';
import { writeFileAtomic } from '#runtime/files.ts';
import type { LaidOutNumber } from '#runtime/laid-out-number.ts';
import { parseJson } from '../parse-json.ts';

const version = z.number().int().nonnegative();

/** Fields that a later version of the program added are left out: to go back to this one must not cost the configuration. */
const State = z.object({
  /** Highest version ever accepted for a trial, or refused after its signature held. */
  highest: version,
  /** SHA-256 of its wire form; null where it is not known. */
  digest: Digest.nullable().default(null),
  /** Versions from here on lie on the disk with their signature; an earlier version of the program kept none. */
  signedFrom: version.optional(),
  /** The version that runs; 0: the file. */
  running: version,
  /** What runs again where `running` fails. */
  previous: version,
  /** The last one whose trial went to its end, where that of `previous` was cut short by `running`; `previous` then has another trial. */
  safe: version.nullable().default(null),
  /** While `running` may still be given up: how often the process was started meanwhile, and whether the broker heard of it. */
  trial: z.object({ starts: version, heard: z.boolean().default(false) }).nullable(),
  /** SHA-256 of the settings in the file when `running` was applied. */
  fileDigest: Digest.nullable(),
  /** What became of `highest`, and of what ran in its place. */
  told: ReportedConfiguration.pick({
    status: true,
    version: true,
    since: true,
    error: true,
    revertedSince: true,
  }),
});

export type ConfigurationState = z.infer<typeof State>;

const EMPTY: ConfigurationState = {
  highest: 0,
  digest: null,
  signedFrom: 1,
  running: 0,
  previous: 0,
  safe: null,
  trial: null,
  fileDigest: null,
  told: { status: 'none', version: 0, since: new Date(0).toISOString(), error: null },
};

/** Which configuration runs, in one small file that is replaced as a whole: a power cut leaves the state before or after a change. */
export class ConfigurationStateFile {
  readonly #path: string;
  #state: ConfigurationState;
  #isSaved: boolean;
  readonly #floor: LaidOutNumber | null;

  private constructor(
    path: string,
    state: ConfigurationState,
    isSaved: boolean,
    floor: LaidOutNumber | null,
  ) {
    this.#floor = floor;
    this.#path = path;
    this.#state = state;
    this.#isSaved = isSaved;
  }

  /**
   * @param highestKnown asked where the file is missing or damaged: versions up to it are not taken again
   * @param floor a copy of the highest version, apart from the file
   */
  static async open(
    path: string,
    highestKnown: () => Promise<number>,
    floor: LaidOutNumber | null = null,
  ): Promise<ConfigurationStateFile> {
    let text: string | null = null;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const parsed = State.safeParse(text === null ? null : parseJson(text));
    const read = parsed.success ? parsed.data : { ...EMPTY, highest: await highestKnown() };
    const isBehind = floor !== null && floor.value > read.highest;
    const state = isBehind ? { ...read, highest: floor.value, digest: null } : read;
    const isNew = text === null && state.highest === 0;
    const file = new ConfigurationStateFile(path, state, isNew || (parsed.success && !isBehind), floor);
    await file.#raiseFloor(state.highest);
    return file;
  }

  get current(): ConfigurationState {
    return this.#state;
  }

  /** Whether the disk says the same. */
  get isSaved(): boolean {
    return this.#isSaved;
  }

  /** Changes the state; on disk when this resolves, and unchanged where it throws. */
  async update(change: Partial<ConfigurationState>): Promise<void> {
    const next = { ...this.#state, ...change };
    // Before the file: what is in neither was never accepted.
    await this.#raiseFloor(next.highest);
    await writeFileAtomic(this.#path, JSON.stringify(next), { mode: 0o600 });
    this.#state = next;
    this.#isSaved = true;
  }

  /** The file counts: where the disk refuses the copy, the next change writes it. */
  async #raiseFloor(highest: number): Promise<void> {
    if (this.#floor !== null && highest > this.#floor.value) await this.#floor.set(highest).catch(() => {});
  }

  /** Changes the state also where the disk refuses: until the next change that it takes, or the next start. Throws what the disk said. */
  async note(change: Partial<ConfigurationState>): Promise<void> {
    try {
      await this.update(change);
    } catch (error) {
      this.#state = { ...this.#state, ...change };
      this.#isSaved = false;
      throw error;
    }
  }
}
