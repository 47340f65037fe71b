/**
 * Exit codes of the command line. Commander's own usage errors end with 1. `rejected`, `reverted` and `unanswered`: what became of what was pushed to
 * a gateway. `unnamed`: no gateway could be named for a leaked network.
 */
export const EXIT = {
  done: 0,
  failed: 1,
  rejected: 3,
  reverted: 4,
  unanswered: 5,
  unnamed: 6,
  defect: 70,
  interrupted: 130,
} as const;
