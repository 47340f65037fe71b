import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { LaidOutNumber } from '#runtime/laid-out-number.ts';

/** File of a {@link GatheredCount} in its folder. */
export const GATHERED_FILE = 'gathered.count';

/** How many answers are gathered in memory and not on disk yet: what a kill leaves there was lost. Makes no file before the first one is. */
export class GatheredCount {
  readonly #path: string;
  #number: LaidOutNumber | null;
  /** Answers that the process before lost. */
  readonly lost: number;

  private constructor(path: string, number: LaidOutNumber | null) {
    this.#path = path;
    this.#number = number;
    this.lost = number?.value ?? 0;
  }

  static async open(folder: string): Promise<GatheredCount> {
    const path = join(folder, GATHERED_FILE);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    return new GatheredCount(path, isThere ? await LaidOutNumber.open(path, async () => 0) : null);
  }

  /** On disk when this resolves. One call at a time. */
  async set(count: number): Promise<void> {
    this.#number ??= await LaidOutNumber.open(this.#path, async () => 0);
    await this.#number.set(count);
  }
}
