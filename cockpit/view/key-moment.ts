/** One press of an arrow key moves this far along the time line. */
const STEP_MS = 60_000;

/**
 * Where a key moves the cursor of a time line: the time of an answer, null for "hidden", undefined for keys that mean
 * nothing here. `times` are ascending, those before `startMs` have left the plot; `currentMs` null means that the cursor is hidden.
 */
export function keyMoment(
  key: string,
  times: readonly number[],
  currentMs: number | null,
  startMs: number,
): number | null | undefined {
  const first = times.find((time) => time >= startMs);
  const last = times.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const from = currentMs ?? last;
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return Math.max(first, times.findLast((time) => time <= from - STEP_MS) ?? first);
    case 'ArrowRight':
    case 'ArrowUp':
      return times.find((time) => time >= from + STEP_MS) ?? last;
    case 'Home':
      return first;
    case 'End':
      return last;
    case 'Escape':
      return null;
    default:
      return undefined;
  }
}
