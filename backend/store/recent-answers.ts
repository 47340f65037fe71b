/** Answers that are looked back upon. */
const LOOK_BACK = 20;
/** So many withheld ones among them: the camera shows something the network was not trained for. */
const UNUSUAL_FROM = 8;
/** So few: it does not any more. Far below, so that a camera between the two does not come and go. */
const USUAL_AT = 3;

/** How the newest answers about one picture, or one named region, ended. */
export type RecentAnswers = {
  /** One character each, oldest first: `.` answered, `x` withheld. */
  readonly ends: string;
  /** Since when too many of them are withheld; null while that is not so. */
  readonly unusualSinceMs: number | null;
};

export const NO_ANSWERS: RecentAnswers = { ends: '', unusualSinceMs: null };

/**
 * Takes one more answer into account. A picture that the network was not trained for withholds one answer and is no news; eight among the last
 * twenty are, until at most three are left.
 */
export function noteAnswer(before: RecentAnswers, withheld: boolean, nowMs: number): RecentAnswers {
  const ends = `${before.ends}${withheld ? 'x' : '.'}`.slice(-LOOK_BACK);
  const { unusualSinceMs } = before;
  const { withheld: count } = countWithheld({ ends, unusualSinceMs });
  const isUnusual = unusualSinceMs === null ? count >= UNUSUAL_FROM : count > USUAL_AT;
  return { ends, unusualSinceMs: isUnusual ? (unusualSinceMs ?? nowMs) : null };
}

/** How many of the newest answers were withheld, and of how many. */
export function countWithheld({ ends }: RecentAnswers): {
  readonly withheld: number;
  readonly answers: number;
} {
  return { withheld: ends.split('x').length - 1, answers: ends.length };
}
