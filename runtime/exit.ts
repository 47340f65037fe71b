/** Exit codes of the command line. Commander's own usage errors end with 1. */
export const EXIT = { done: 0, failed: 1, defect: 70, interrupted: 130 } as const;
