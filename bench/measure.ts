import { setImmediate } from 'node:timers/promises';

/** Times of one candidate in milliseconds. */
export type Times = { readonly medianMs: number; readonly spreadMs: number };

/** How long to measure. */
export type Effort = {
  /** Rounds; in every round each candidate runs once (or several times, where it is short). */
  readonly rounds: number;
  /** Warm-up rounds, not counted: code gets compiled, caches fill. */
  readonly warmUps: number;
};

export const FULL: Effort = { rounds: 15, warmUps: 3 };
export const QUICK: Effort = { rounds: 3, warmUps: 1 };

/** Below this a candidate is repeated within a round. */
const SHORTEST_MS = 2;
const MOST_REPEATS = 64;

/**
 * Runs candidates in turn, so that other load on the machine affects all of them alike.
 *
 * @returns median and spread (third quartile minus first) of each candidate.
 */
export async function measureInterleaved(
  candidates: readonly (() => void)[],
  { rounds, warmUps }: Effort,
  signal?: AbortSignal,
): Promise<Times[]> {
  const samples = candidates.map((): number[] => []);
  const repeats = candidates.map(() => 1);
  for (let round = -warmUps; round < rounds; round++) {
    for (const [index, candidate] of candidates.entries()) {
      signal?.throwIfAborted();
      const start = performance.now();
      for (let i = 0; i < repeats[index]!; i++) candidate();
      const ms = (performance.now() - start) / repeats[index]!;
      if (round >= 0) samples[index]!.push(ms);
      else repeats[index] = Math.min(MOST_REPEATS, Math.max(1, Math.ceil(SHORTEST_MS / ms)));
      // Failed helper threads are replaced, and Ctrl-C is noticed, when the event loop turns.
      await setImmediate();
    }
  }
  return samples.map((list) => {
    const sorted = list.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))]!;
    return { medianMs: at(0.5), spreadMs: at(0.75) - at(0.25) };
  });
}
