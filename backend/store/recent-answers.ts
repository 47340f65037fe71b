/** Number of latest answers considered. */
const LOOK_BACK = 20;
/** From this many withheld ones on, the camera shows something the network was not trained for. */
const UNUSUAL_FROM = 8;
/** Down to this many, it no longer does. Far lower, so that a camera in between does not flip back and forth. */
const USUAL_AT = 3;

/** How the latest answers about one picture, or one named region, ended. */
export type RecentAnswers = {
  /** One character each, oldest first: `.` answered, `x` withheld. */
  readonly ends: string;
  /** Since when too many of them have been withheld; null otherwise. */
  readonly unusualSinceMs: number | null;
};

export const NO_ANSWERS: RecentAnswers = { ends: '', unusualSinceMs: null };

/**
 * Counts another answer. One withheld answer is no news; eight among the last twenty are, until at most three are left.
 */
export function noteAnswer(before: RecentAnswers, withheld: boolean, nowMs: number): RecentAnswers {
  const ends = `${before.ends}${withheld ? 'x' : '.'}`.slice(-LOOK_BACK);
  const { unusualSinceMs } = before;
  const { withheld: count } = countWithheld({ ends, unusualSinceMs });
  const isUnusual = unusualSinceMs === null ? count >= UNUSUAL_FROM : count > USUAL_AT;
  return { ends, unusualSinceMs: isUnusual ? (unusualSinceMs ?? nowMs) : null };
}

/** How many of the latest answers were withheld, and of how many. */
export function countWithheld({ ends }: RecentAnswers): {
  readonly withheld: number;
  readonly answers: number;
} {
  return { withheld: ends.split('x').length - 1, answers: ends.length };
}
