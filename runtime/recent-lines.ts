export type RecentBounds = {
  readonly maxLines: number;
  /** Characters of all lines together. */
  readonly maxCharacters: number;
};

/** The newest lines of a log in memory, bounded; see `recent` of `createLogger`. */
export class RecentLines {
  readonly #bounds: RecentBounds;
  #lines: string[] = [];
  #characters = 0;
  #onLine: (line: string) => void = () => {};

  constructor(bounds: RecentBounds = { maxLines: 5_000, maxCharacters: 2 ** 20 }) {
    this.#bounds = bounds;
  }

  /** Oldest first, without line ends. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Takes a line of the log. */
  write(line: string): void {
    const text = line.trimEnd();
    this.#lines.push(text);
    this.#characters += text.length;
    this.#trim();
    this.#onLine(text);
  }

  /** Puts lines of an earlier process before those of this one. */
  prepend(earlier: readonly string[]): void {
    this.#lines = [...earlier, ...this.#lines];
    this.#characters += earlier.reduce((sum, line) => sum + line.length, 0);
    this.#trim();
  }

  /** Sets who is given each further line. */
  onLine(listener: (line: string) => void): void {
    this.#onLine = listener;
  }

  #trim(): void {
    const { maxLines, maxCharacters } = this.#bounds;
    let drop = Math.max(0, this.#lines.length - maxLines);
    let characters = this.#characters;
    for (let i = 0; i < this.#lines.length && (i < drop || characters > maxCharacters); i++) {
      characters -= this.#lines[i]!.length;
      drop = Math.max(drop, i + 1);
    }
    if (drop === 0) return;
    this.#lines.splice(0, drop);
    this.#characters = characters;
  }
}
