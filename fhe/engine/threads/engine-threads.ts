import { availableParallelism } from 'node:os';

/** More gain little, and a gateway has other work to do. */
const MOST_THREADS_BY_DEFAULT = 4;

/** Threads that the engine uses by default, including the caller's: the machine's, at most 4. */
export function engineThreads(): number {
  return Math.min(availableParallelism(), MOST_THREADS_BY_DEFAULT);
}
