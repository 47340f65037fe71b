/** Words of the memory that the threads of a team share. */
export const TeamWords = {
  /** Raised with each job and at the end; threads sleep on it. */
  generation: 0,
  /** Tickets, one for each part of a job: next to take, end of those of the job. Each job has tickets of its own. */
  next: 1,
  end: 2,
  /** Ticket of the job's first part, which function it is, and where its arguments are. */
  first: 3,
  job: 4,
  args: 5,
  /** Parts that are done; the caller sleeps on it. */
  done: 6,
  /** Not 0: the threads end. */
  over: 7,
  /** Helpers that have ended by themselves. */
  ended: 8,
  words: 16,
} as const;

/** Jobs of the kernel that are done in parts, by number. */
export const JOBS = [
  ...(['toLanes', 'fromLanes', 'packWeights', 'convolve', 'slopes'] as const),
  ...(['normalize', 'normalizeBack', 'quadratic', 'quadraticBack', 'clamp', 'clampBack'] as const),
  ...(['change', 'changeBack'] as const),
] as const;

/** See {@link JOBS}. */
export type Job = (typeof JOBS)[number];
