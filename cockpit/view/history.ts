import type { History } from '#protocol/api.ts';
import type { Result } from '#protocol/messages.ts';

/** The span that a time line shows. */
export const WINDOW_MS = 60 * 60 * 1000;
/** Answers further apart than this are not joined by a line: nothing is known in between. */
const GAP_MS = 60_000;

/** Columns for the plot: times in milliseconds, then one column per label; null breaks the line. */
export type PlotColumns = {
  readonly labels: readonly string[];
  readonly times: readonly number[];
  readonly columns: readonly (readonly (number | null)[])[];
};

export function emptyHistory(camera: string, region?: string): History {
  return { camera, ...(region !== undefined && { region }), labels: [], times: [], probabilities: [] };
}

/**
 * The history with one more answer in its place in time: an answer that waited in an outbox closes the gap it left. An
 * answer about the same moment replaces the old one; labels not known before start with zeros; what is older than an
 * hour before `nowMs` goes.
 */
export function addResult(history: History, result: Result, nowMs: number): History {
  const time = Date.parse(result.frameTime);
  if (Number.isNaN(time) || time < nowMs - WINDOW_MS) return history;
  const known = new Set(history.labels);
  const labels = [
    ...history.labels,
    ...Object.keys(result.probabilities).filter((label) => !known.has(label)),
  ];
  const first = firstIndexFrom(history.times, nowMs - WINDOW_MS);
  const at = firstIndexFrom(history.times, time);
  const after = history.times[at] === time ? at + 1 : at;
  const splice = <T>(values: readonly T[], value: T): T[] => [
    ...values.slice(first, at),
    value,
    ...values.slice(after),
  ];
  return {
    ...history,
    labels,
    times: splice(history.times, time),
    probabilities: labels.map((label, index) =>
      splice(
        history.probabilities[index] ?? history.times.map(() => 0),
        Object.hasOwn(result.probabilities, label) ? (result.probabilities[label] ?? 0) : 0,
      ),
    ),
  };
}

/** What the backend stored, followed by the live answers that came in while it was being fetched. */
export function mergeHistory(fetched: History, live: History): History {
  const after = firstIndexFrom(live.times, (fetched.times.at(-1) ?? Number.NEGATIVE_INFINITY) + 1);
  const labels = [...fetched.labels, ...live.labels.filter((label) => !fetched.labels.includes(label))];
  const column = (history: History, label: string) =>
    history.probabilities[history.labels.indexOf(label)] ?? history.times.map(() => 0);
  return {
    ...fetched,
    labels,
    times: [...fetched.times, ...live.times.slice(after)],
    probabilities: labels.map((label) => [...column(fetched, label), ...column(live, label).slice(after)]),
  };
}

/** The history as plot columns, with a break wherever nothing was known for over a minute. */
export function plotColumns(history: History): PlotColumns {
  const times: number[] = [];
  const columns: (number | null)[][] = history.labels.map(() => []);
  let previous = Number.POSITIVE_INFINITY;
  for (const [index, time] of history.times.entries()) {
    if (time - previous > GAP_MS) {
      times.push(previous + 1);
      for (const column of columns) column.push(null);
    }
    times.push(time);
    for (const [label, column] of columns.entries())
      column.push(history.probabilities[label]?.[index] ?? null);
    previous = time;
  }
  return { labels: history.labels, times, columns };
}

/** The hour in one sentence, for those who cannot see the plot: how often each label was the answer. */
export function historyWords(history: History, label: (name: string) => string): string {
  const count = history.times.length;
  if (count === 0) return 'No answers in the last hour.';
  const wins = history.labels.map(() => 0);
  for (let index = 0; index < count; index++) {
    let best = 0;
    for (let candidate = 1; candidate < wins.length; candidate++) {
      const value = history.probabilities[candidate]?.[index] ?? 0;
      if (value > (history.probabilities[best]?.[index] ?? 0)) best = candidate;
    }
    wins[best] = (wins[best] ?? 0) + 1;
  }
  const shares = history.labels.map(
    (name, index) => `${label(name)} ${Math.round(((wins[index] ?? 0) / count) * 100)} %`,
  );
  return `Last hour, ${count} answers: ${shares.join(', ')}.`;
}

/** Index of the first time not before `time`; times ascend. */
function firstIndexFrom(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
