import type { Clock } from './clock.ts';

const QUIET_MS = 60_000;
const MAX_KEYS = 1024;

type Line = { saidMs: number; unsaid: number };

/** Lets one line a minute through for each key: a flood of refused messages must not flood logs and journal. */
export class RareLines {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #lines = new Map<string, Line>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /**
   * @param key what the line is about
   * @returns how many there were since the last line, including this one; 0 if this one is to be suppressed
   */
  take(key: string): number {
    const now = this.#clock.monotonic();
    const line = this.#lines.get(key);
    if (line !== undefined && now - line.saidMs < QUIET_MS) {
      line.unsaid++;
      return 0;
    }
    if (line === undefined && this.#lines.size >= MAX_KEYS) this.#lines.clear();
    this.#lines.set(key, { saidMs: now, unsaid: 0 });
    return 1 + (line?.unsaid ?? 0);
  }
}
