import { availableParallelism } from 'node:os';

/** More gain little: a batch has few parts. */
const MOST_THREADS = 8;

/** Threads that training uses where it takes long, the caller's included: those of the machine that this process may use. */
export function trainingThreads(): number {
  return Math.min(MOST_THREADS, availableParallelism());
}
