import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ERRORS, type ErrorCode } from '#protocol/errors.ts';
import { Digest } from '#protocol/names.ts';
import { writeFileAtomic } from '#runtime/files.ts';
import { parseJson } from '../parse-json.ts';

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);

const State = z.strictObject({
  active: Digest.nullable(),
  previous: Digest.nullable(),
  /** Highest release counter ever accepted, and the bundle that had it. */
  counter: z.number().int().nonnegative(),
  counterOf: Digest.nullable(),
  /** A bundle that was taken back: it is not tried again. */
  rolledBack: z
    .strictObject({ digest: Digest, code: z.string().refine(isErrorCode), message: z.string() })
    .nullable(),
});
export type RolloutState = z.infer<typeof State>;

const EMPTY: RolloutState = { active: null, previous: null, counter: 0, counterOf: null, rolledBack: null };

/** The pointer file: replacing it is the moment in which a bundle goes live. */
export class RolloutStateFile {
  readonly #path: string;
  #state: RolloutState;

  private constructor(path: string, state: RolloutState) {
    this.#path = path;
    this.#state = state;
  }

  /**
   * Reads the state; a missing file is a new gateway.
   *
   * @param recover where the file is there but damaged: starting from nothing would forget the release counter
   */
  static async open(path: string, recover: () => Promise<RolloutState>): Promise<RolloutStateFile> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new RolloutStateFile(path, EMPTY);
      throw error;
    }
    const parsed = State.safeParse(parseJson(text));
    return new RolloutStateFile(path, parsed.success ? parsed.data : await recover());
  }

  get current(): RolloutState {
    return this.#state;
  }

  /** Changes the state; on disk when this resolves. */
  async update(change: Partial<RolloutState>): Promise<void> {
    const next = { ...this.#state, ...change };
    await writeFileAtomic(this.#path, JSON.stringify(next));
    this.#state = next;
  }
}
