import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Digest } from '#protocol/names.ts';
import { writeFileAtomic } from '#runtime/files.ts';
import type { LaidOutNumber } from '#runtime/laid-out-number.ts';
import { parseJson } from '../parse-json.ts';

/** Fields that a later version of the program added are left out, and its codes kept: to go back to this one must not cost the bundle. */
const State = z.object({
  active: Digest.nullable(),
  previous: Digest.nullable(),
  /** Highest release counter ever accepted, and the bundle that had it. */
  counter: z.number().int().nonnegative(),
  counterOf: Digest.nullable(),
  /** A bundle that was taken back: it is not tried again. */
  rolledBack: z.object({ digest: Digest, code: z.string().max(64), message: z.string() }).nullable(),
});
export type RolloutState = z.infer<typeof State>;

/** The pointer file: replacing it is the moment in which a bundle goes live. */
export class RolloutStateFile {
  readonly #path: string;
  readonly #floor: LaidOutNumber | null;
  #state: RolloutState;

  private constructor(path: string, state: RolloutState, floor: LaidOutNumber | null) {
    this.#path = path;
    this.#state = state;
    this.#floor = floor;
  }

  /**
   * Reads the state.
   *
   * @param recover where the file is missing or damaged: starting from nothing would forget the release counter
   * @param floor a copy of the highest release counter, apart from the file
   */
  static async open(
    path: string,
    recover: () => Promise<RolloutState>,
    floor: LaidOutNumber | null = null,
  ): Promise<RolloutStateFile> {
    let text = '';
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const parsed = State.safeParse(parseJson(text));
    const file = new RolloutStateFile(path, parsed.success ? parsed.data : await recover(), floor);
    await file.#raiseFloor(file.#state.counter);
    return file;
  }

  get current(): RolloutState {
    return this.#state;
  }

  /** Changes the state; on disk when this resolves. */
  async update(change: Partial<RolloutState>): Promise<void> {
    const next = { ...this.#state, ...change };
    // Before the file: what is in neither was never accepted.
    await this.#raiseFloor(next.counter);
    await writeFileAtomic(this.#path, JSON.stringify(next));
    this.#state = next;
  }

  /** Highest release counter ever accepted; it outlives the file. */
  get floor(): number {
    return Math.max(this.#state.counter, this.#floor?.value ?? 0);
  }

  /** The file counts: where the disk refuses the copy, the next change writes it. */
  async #raiseFloor(counter: number): Promise<void> {
    if (this.#floor !== null && counter > this.#floor.value) await this.#floor.set(counter).catch(() => {});
  }
}
