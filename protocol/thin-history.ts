import type { History } from './api.ts';
import { historyColumns, withColumns } from './history-columns.ts';

/** Maximum number of points of a time line, more than any screen has pixels; fewer if there are many labels. */
const MAX_POINTS = 3000;
/** Maximum amount of numbers in a time line: bounds its size on the wire and in a browser. */
const MAX_NUMBERS = 60_000;
/** Into how many slots a line that is too large is divided. */
const SLOTS = 720;
/** Widths of slots, ms; beyond the last one they double. */
const WIDTHS_MS = [
  100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000,
] as const;

/** The empty history of a camera, or of one of its named regions. */
export function emptyHistory(camera: string, region?: string): History {
  return {
    camera,
    ...(region !== undefined && { region }),
    labels: [],
    times: [],
    probabilities: [],
    answers: [],
    slotMs: 0,
    withheld: [],
  };
}

/**
 * The history, reduced to a bounded size. Each time slot keeps real answers: for each winning label, the most and the
 * least certain one, and of counts those with the most and the fewest in all, so that even the shortest event stays visible. Each records how many answers it represents.
 * A history that is small enough is returned unchanged; thinning can be repeated.
 */
export function boundHistory(history: History): History {
  const { times, labels } = history;
  const limit = Math.max(60, Math.min(MAX_POINTS, Math.floor(MAX_NUMBERS / (labels.length + 2))));
  if (times.length <= limit) return history;
  const spanMs = times.at(-1)! - times[0]!;
  let slotMs = Math.max(history.slotMs, spanMs / SLOTS);
  for (;;) {
    slotMs = widthFrom(slotMs);
    const thinned = thinHistory(history, slotMs);
    if (thinned.times.length <= limit) return thinned;
    slotMs += 1;
  }
}

function widthFrom(leastMs: number): number {
  const fitting = WIDTHS_MS.find((width) => width >= leastMs);
  if (fitting !== undefined) return fitting;
  let width: number = WIDTHS_MS.at(-1)!;
  while (width < leastMs) width *= 2;
  return width;
}

/** See {@link boundHistory}; slots start at multiples of `slotMs` since the epoch. */
export function thinHistory(history: History, slotMs: number): History {
  const weights = new Map<number, number>();
  let slot = Number.NaN;
  let kept = new Map<number, Extremes>();
  const close = () => {
    for (const { least, most, answers } of kept.values()) {
      weights.set(most, least === most ? answers : answers - 1);
      if (least !== most) weights.set(least, 1);
    }
    kept = new Map();
  };
  for (const [index, time] of history.times.entries()) {
    const own = Math.floor(time / slotMs);
    if (own !== slot) close();
    slot = own;
    note(kept, history, index);
  }
  close();
  const indices = [...weights.keys()].sort((a, b) => a - b);
  const pick = (values: readonly number[]) => indices.map((index) => values[index] ?? 0);
  return {
    ...history,
    slotMs,
    times: pick(history.times),
    ...withColumns(history.task, historyColumns(history).map(pick)),
    answers: indices.map((index) => weights.get(index) ?? 1),
  };
}

/** Stands for all labels together. */
const ALL = -1;

/** Of the answers of one label in one slot: the least and the most probable, and how many there were. */
type Extremes = { least: number; most: number; answers: number };

function note(kept: Map<number, Extremes>, history: History, index: number): void {
  const columns = historyColumns(history);
  const label = history.counts === undefined ? bestLabel(history, index) : ALL;
  const value = (at: number) =>
    label === ALL ? columns.reduce((sum, column) => sum + (column[at] ?? 0), 0) : (columns[label]?.[at] ?? 0);
  const answers = history.answers[index] ?? 1;
  const known = kept.get(label);
  if (known === undefined) {
    kept.set(label, { least: index, most: index, answers });
    return;
  }
  known.answers += answers;
  if (value(index) < value(known.least)) known.least = index;
  if (value(index) > value(known.most)) known.most = index;
}

/** Index of the winning label at a point. */
export function bestLabel({ labels, probabilities }: History, index: number): number {
  let best = 0;
  for (let label = 1; label < labels.length; label++) {
    if ((probabilities[label]?.[index] ?? 0) > (probabilities[best]?.[index] ?? 0)) best = label;
  }
  return best;
}
