import { availableParallelism } from 'node:os';

/** More than these gain little, and a gateway has other things to do. */
const MOST_THREADS_BY_DEFAULT = 4;

/** Threads that the engine takes by default, the caller's included: the machine's, at most 4. */
export function engineThreads(): number {
  return Math.min(availableParallelism(), MOST_THREADS_BY_DEFAULT);
}
