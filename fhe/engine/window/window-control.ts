/** Words by which a reader and the thread that runs a tape talk; `filled` has a cache line of its own, as the kernel waits on it. */
export const WindowControl = {
  /** Chunks of the present run that are in the window. */
  filled: 0,
  /** The run that begins or is under way, from 1 on. */
  begun: 16,
  /** The same, once what was read ahead is counted in `filled`. */
  opened: 17,
  /** Runs that have ended, well or not. */
  ended: 18,
  /** What was read ahead: the run modulo 2^11 times 2^20, and its chunks so far. */
  ahead: 19,
  /** Not 0: the reader gave up, and why is in its report. */
  failed: 20,
  /** 1: the reader ends. */
  shutdown: 21,
  words: 32,
  bytes: 128,
} as const;

/** Chunks that a run may have at most: see `ahead`. */
export const MOST_CHUNKS = 2 ** 20 - 1;

/** A value of `ahead`. */
export function aheadOf(run: number, chunks: number): number {
  return (run % 2 ** 11) * 2 ** 20 + chunks;
}
