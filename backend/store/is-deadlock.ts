/** Classes of SQLSTATE with which PostgreSQL undoes one of two transactions that wait for each other, or cannot both have been first. */
const CODES = ['40P01', '40001'];

/** Whether a transaction failed for others that ran beside it: nothing is wrong with it, and it may well succeed when it is tried again. */
export function isDeadlock(error: unknown): boolean {
  return error instanceof Error && 'code' in error && CODES.includes(String(error.code));
}
