import type { History } from '#protocol/api.ts';
import { historyColumns } from '#protocol/history-columns.ts';

/** Answers that are missing at the camera's own pace before its line breaks. */
const MISSED_ANSWERS = 3;
/** A pause below this is no gap, however fast the camera is. */
const LEAST_GAP_MS = 3000;
/** A pause beyond this is a gap if the camera's pace is unknown. */
const UNKNOWN_PACE_GAP_MS = 60_000;
/** How many pauses on either side tell how fast the camera was then. */
const NEIGHBORS = 5;
/** An answer between two gaps is drawn at least this wide, so that it can be seen. */
const LEAST_HOLD_MS = 5000;

/** Columns for the plot: times in milliseconds, then one column per label; null breaks the line. */
export type PlotColumns = {
  readonly labels: readonly string[];
  readonly times: readonly number[];
  readonly columns: readonly (readonly (number | null)[])[];
};

/**
 * The history as plot columns. The line breaks wherever more answers are missing than the camera's pace at that time explains: nothing is known
 * in between. An answer holds until the next one was due, and an event until the next one, or until `endMs`.
 */
export function plotColumns(history: History, endMs: number): PlotColumns {
  const times: number[] = [];
  const columns: (number | null)[][] = history.labels.map(() => []);
  const told = historyColumns(history);
  const add = (time: number, index: number | null) => {
    times.push(time);
    for (const [label, column] of columns.entries()) {
      column.push(index === null ? null : (told[label]?.[index] ?? null));
    }
  };
  for (const [index, time] of history.times.entries()) {
    add(time, index);
    const next = history.times[index + 1];
    if (history.output === 'event') {
      const until = (next ?? endMs + 1) - 1;
      if (until > time) add(until, index);
      continue;
    }
    if (next === undefined || !isGap(history, index)) continue;
    const hold = time + Math.min(holdMs(history, index), (next - time) / 2);
    add(hold, index);
    add(hold + 1, null);
  }
  return { labels: history.labels, times, columns };
}

/** Whether nothing is known between the answer at an index and the next one. */
function isGap(history: History, index: number): boolean {
  const pauseMs = history.times[index + 1]! - history.times[index]!;
  // Thinning leaves answers that are up to two slots apart.
  const leastMs = Math.max(LEAST_GAP_MS, 2 * history.slotMs);
  if (pauseMs <= leastMs) return false;
  const pace = paceMs(history, index);
  return pauseMs > Math.max(leastMs, pace === null ? UNKNOWN_PACE_GAP_MS : MISSED_ANSWERS * pace);
}

function holdMs(history: History, index: number): number {
  return Math.max(paceMs(history, index) ?? 0, history.slotMs, LEAST_HOLD_MS);
}

/** Usual pause between answers around an index, excluding the one that follows it; null if there is no other. */
function paceMs({ times, answers }: History, index: number): number | null {
  const pauses: number[] = [];
  for (let at = Math.max(0, index - NEIGHBORS); at <= index + NEIGHBORS && at + 1 < times.length; at++) {
    if (at !== index) pauses.push((times[at + 1]! - times[at]!) / (answers[at] ?? 1));
  }
  pauses.sort((a, b) => a - b);
  return pauses[pauses.length >> 1] ?? null;
}
