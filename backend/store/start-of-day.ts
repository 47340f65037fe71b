const DAY_MS = 86_400_000;

/** The midnight (UTC) before a time, or that time; ms since the epoch. */
export function startOfDay(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}
