import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '#runtime/files.ts';

const Stored = z.strictObject({ dropped: z.number().int().nonnegative() });

/** How many answers were ever dropped on this gateway; survives restarts. */
export class DropCounter {
  readonly #path: string;
  #count: number;

  private constructor(path: string, count: number) {
    this.#path = path;
    this.#count = count;
  }

  /** A missing or unreadable counter starts at 0: it must not keep a gateway from working. */
  static async open(path: string): Promise<DropCounter> {
    const text = await readFile(path, 'utf8').catch(() => '{"dropped":0}');
    let stored: unknown;
    try {
      stored = JSON.parse(text);
    } catch {
      stored = null;
    }
    const parsed = Stored.safeParse(stored);
    return new DropCounter(path, parsed.success ? parsed.data.dropped : 0);
  }

  get count(): number {
    return this.#count;
  }

  /** Counts in memory at once; on disk when this resolves. */
  async add(count: number): Promise<void> {
    this.#count += count;
    await writeFileAtomic(this.#path, JSON.stringify({ dropped: this.#count }));
  }
}
