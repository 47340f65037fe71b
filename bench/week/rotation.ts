import { statSync } from 'node:fs';
import { join } from 'node:path';

export type Rotated = {
  /** Of the file that is written, and of the one before it; none where there is no such file. */
  readonly bytes: Readonly<Record<'newer' | 'older', number | null>>;
  /** The most that either ever had. */
  readonly mostBytes: number;
  /** How often the newer took the place of the older. */
  readonly rolled: number;
};

/** Watches the two files of a gateway's log from outside, file by file: what the gateway says of them is not asked. */
export class Rotation {
  readonly #path: string;
  #mostBytes = 0;
  #rolled = 0;
  #older: number | undefined;

  constructor(directory: string) {
    this.#path = join(directory, 'recent.jsonl');
  }

  /** Has to be called at least once between two rolls. */
  look(): Rotated {
    const newer = statSync(this.#path, { throwIfNoEntry: false });
    const older = statSync(`${this.#path}.1`, { throwIfNoEntry: false });
    if (older !== undefined && older.ino !== this.#older) {
      this.#rolled++;
      this.#older = older.ino;
    }
    this.#mostBytes = Math.max(this.#mostBytes, newer?.size ?? 0, older?.size ?? 0);
    return {
      bytes: { newer: newer?.size ?? null, older: older?.size ?? null },
      ...{ mostBytes: this.#mostBytes, rolled: this.#rolled },
    };
  }
}
