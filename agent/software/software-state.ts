import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Digest } from '#protocol/names.ts';
import { ensureDirectory, writeFileAtomic } from '#runtime/files.ts';
import { parseJson } from '../parse-json.ts';

/** Where an update is unpacked; the installed program, in neither, is what there is besides. */
export const SLOTS = ['a', 'b'] as const;
export type Slot = (typeof SLOTS)[number];

const count = z.number().int().nonnegative();
const place = z.object({ slot: z.enum(SLOTS), /** Of the signed release. */ digest: Digest });
const reason = z.object({
  digest: Digest,
  code: z.string().max(64),
  message: z.string(),
  /** How often this release was given up. */
  times: count,
});

/**
 * Who writes it promises to both sides of an update: fields that a later version adds are ones that an earlier one may lose, and no field changes its
 * meaning. So unknown ones are left out, and unknown codes kept.
 */
const State = z.object({
  /** Highest release counter ever accepted, and the release that had it. */
  counter: count,
  counterOf: Digest.nullable(),
  /** What proved itself last, and what ran before it; null: the installed program. */
  active: place.nullable(),
  previous: place.nullable(),
  /** What is tried at the next start. */
  trial: place
    .extend({
      /** Starts so far; counted before each. */
      tries: count,
      /** It must prove itself within this time, counted from each start. */
      limitMs: count,
      /** So long afterwards it is ended from outside if it has not given up by itself. */
      graceMs: count,
      /** What worked before, and so must work again. */
      before: z.object({ cameras: z.array(z.string()), answers: z.boolean() }),
    })
    .nullable(),
  /** What was given up, and why. */
  takenBack: reason.nullable(),
  /** Something to tell the site as soon as there is a link. */
  news: z.object({ code: z.string().max(64), message: z.string() }).nullable(),
});
export type SoftwareState = z.infer<typeof State>;
export type Place = z.infer<typeof place>;
export type Trial = NonNullable<SoftwareState['trial']>;

/** The change of state that gives up the release on trial, and lets the site know. */
export function givenUp(
  { trial, takenBack }: SoftwareState,
  code: string,
  message: string,
): Pick<SoftwareState, 'trial' | 'takenBack' | 'news'> {
  const news = { code, message: `the update was taken back: ${message}` };
  if (trial === null) return { trial, takenBack, news };
  const { digest } = trial;
  const before = takenBack?.digest === digest ? takenBack.times : 0;
  return { trial: null, takenBack: { digest, code, message, times: before + 1 }, news };
}

export const EMPTY_STATE: SoftwareState = {
  counter: 0,
  counterOf: null,
  active: null,
  previous: null,
  trial: null,
  takenBack: null,
  news: null,
};

const File = z.object({ state: z.unknown(), sha256: Digest });

/** Which program is started: one small file that is replaced as a whole. The launcher writes it before the gateway runs, the gateway afterwards. */
export class SoftwareStateFile {
  readonly #path: string;
  #state: SoftwareState;

  private constructor(path: string, state: SoftwareState) {
    this.#path = path;
    this.#state = state;
  }

  /**
   * @param folder of the slots; it is made where it is missing
   * @param recover asked where the file is there but damaged
   */
  static async open(folder: string, recover: () => Promise<SoftwareState>): Promise<SoftwareStateFile> {
    const path = join(folder, 'state.json');
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await ensureDirectory(folder);
      return new SoftwareStateFile(path, EMPTY_STATE);
    }
    const state = parse(text);
    if (state !== null) return new SoftwareStateFile(path, state);
    const recovered = new SoftwareStateFile(path, await recover());
    await recovered.update({}).catch(() => {});
    return recovered;
  }

  get current(): SoftwareState {
    return this.#state;
  }

  /** Changes the state; on disk when this resolves, and unchanged where it throws. */
  async update(change: Partial<SoftwareState>): Promise<void> {
    const state = { ...this.#state, ...change };
    const text = JSON.stringify({ state, sha256: digest(state) });
    await writeFileAtomic(this.#path, text, { mode: 0o600 });
    this.#state = state;
  }
}

/** @returns null where a byte of it is not what was written */
function parse(text: string): SoftwareState | null {
  const file = File.safeParse(parseJson(text));
  if (!file.success || digest(file.data.state) !== file.data.sha256) return null;
  const state = State.safeParse(file.data.state);
  return state.success ? state.data : null;
}

function digest(state: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(state) ?? '')
    .digest('hex');
}
