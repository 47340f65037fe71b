/**
 * Words of the control block that threads share: 48 words. The kernel knows the first two, `done` and `sleepers`; the rest is used by
 * the pool and its threads.
 */
export const Control = {
  /** Next task to take. */
  next: 0,
  /** Not 0: a thread failed, and the run is void. */
  failed: 1,
  /** Raised with each run and at shutdown; threads sleep on it. */
  generation: 2,
  /** How many threads may join the run; 0 between runs. */
  open: 3,
  /** Threads inside a run. */
  active: 4,
  /** 1: threads end. */
  shutdown: 5,
  /** Threads that have started. */
  ready: 6,
  /** The tape of the run. */
  tape: 7,
  count: 8,
  patienceMs: 9,
  /** Finished tasks. */
  done: 16,
  /** Threads asleep within the run. */
  sleepers: 32,
  words: 48,
} as const;
