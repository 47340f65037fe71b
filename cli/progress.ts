import { PACE_MS } from '#setup/progress.mjs';

/** Where progress goes: stderr, or a substitute in tests. */
export type ProgressStream = {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
};

/** Nobody can see a terminal line being redrawn faster than this. */
const REDRAW_MS = 100;

/** Below this, an estimate of the time left is too uncertain. */
const LEAST_ELAPSED_MS = 1_000;

/** "40 s", "3 min", "2 h 10 min". */
function formatDuration(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * Progress of a long command, on stderr. On a terminal, each stage has one line that is redrawn; otherwise (a log, a pipe) at most one line
 * is written every ten seconds, the newest. If a share is known, the time left is added.
 */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  #stage: string | null = null;
  #begin = { atMs: 0, share: 0 };
  #share = 0;
  #writtenMs = Number.NEGATIVE_INFINITY;
  #waiting: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** A line of a terminal is open: it has no line break yet. */
  #open = false;

  constructor(stream: ProgressStream = process.stderr, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  /**
   * @param stage the current stage; the time left is that of the stage, measured since its first update
   * @param text the line
   * @param share how much of the stage is done, 0 to 1, if known; a smaller value than before restarts the stage
   */
  update(stage: string, text: string, share?: number): void {
    const now = this.#now();
    const next = stage !== this.#stage || (share ?? 0) < this.#share;
    this.#share = share ?? 0;
    if (next) {
      if (this.#stream.isTTY) this.#finishLine();
      this.#stage = stage;
      this.#begin = { atMs: now, share: share ?? 0 };
    }
    this.#waiting = `… ${text}${this.#timeLeft(now, share)}`;
    const pace = this.#stream.isTTY ? REDRAW_MS : PACE_MS;
    const wait = this.#writtenMs + pace - now;
    if (wait <= 0 || (next && this.#stream.isTTY)) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), wait).unref();
  }

  /** Whatever is written to stderr or stdout next starts on a new line. A pending line is dropped. */
  end(): void {
    if (this.#stream.isTTY) this.#finishLine();
    this.#forget();
    this.#stage = null;
  }

  #timeLeft(now: number, share: number | undefined): string {
    const { atMs, share: first } = this.#begin;
    if (share === undefined || share >= 1 || share <= first || now - atMs < LEAST_ELAPSED_MS) return '';
    return `; about ${formatDuration(((now - atMs) * (1 - share)) / (share - first))} left`;
  }

  #write(): void {
    const line = this.#waiting;
    this.#forget();
    if (line === null) return;
    this.#writtenMs = this.#now();
    if (!this.#stream.isTTY) {
      this.#stream.write(`${line}\n`);
      return;
    }
    // A line that wraps cannot be overwritten.
    const width = (this.#stream.columns ?? 80) - 1;
    const visible = line.length > width ? `${line.slice(0, width - 1)}…` : line;
    this.#stream.write(`\r${visible}\x1b[K`);
    this.#open = true;
  }

  #finishLine(): void {
    if (this.#waiting !== null) this.#write();
    if (this.#open) this.#stream.write('\n');
    this.#open = false;
  }

  #forget(): void {
    this.#waiting = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
