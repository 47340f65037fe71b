import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LaidOutNumber } from '#runtime/laid-out-number.ts';

/** The format of earlier versions. */
const Former = z.strictObject({ dropped: z.number().int().nonnegative() });

/** Files of a {@link DropCounter} in its folder. */
export const DROP_FILES: readonly string[] = ['dropped.count', 'dropped.json'];

/**
 * How many answers were ever dropped on this gateway; survives restarts, and counts even while the disk is full or the process out of descriptors: those are reasons
 * to drop.
 */
export class DropCounter {
  readonly #number: LaidOutNumber;

  private constructor(number: LaidOutNumber) {
    this.#number = number;
  }

  /** A missing or unreadable counter starts at 0: it must not keep a gateway from working. */
  static async open(folder: string): Promise<DropCounter> {
    const [path, former] = DROP_FILES.map((name) => join(folder, name)) as [string, string];
    const number = await LaidOutNumber.open(path, () => readFormer(former), { isHeld: true });
    if (number.isLaidOut) await unlink(former).catch(() => {});
    return new DropCounter(number);
  }

  get count(): number {
    return this.#number.value;
  }

  /** Counts in memory immediately; on disk when this resolves. */
  add(count: number): Promise<void> {
    return this.#number.add(count);
  }
}

async function readFormer(path: string): Promise<number> {
  try {
    return Former.parse(JSON.parse(await readFile(path, 'utf8'))).dropped;
  } catch {
    return 0;
  }
}
