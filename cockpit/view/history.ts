import type { History } from '#protocol/api.ts';
import { historyColumns, tellAlike, withColumns } from '#protocol/history-columns.ts';
import type { Result } from '#protocol/messages.ts';
import { bestLabel, boundHistory, emptyHistory } from '#protocol/thin-history.ts';
import { toldShares } from '#protocol/told-shares.ts';
import { EN, type Words } from '../words/en.ts';
import { formatAge, formatCount } from './format.ts';
import { labelWords } from './label-words.ts';

/** The span that a time line shows at most. */
export const WINDOW_MS = 60 * 60 * 1000;
/** The span that it shows at least: one second is not worth the width of a screen. */
const LEAST_WINDOW_MS = 60_000;
/** Withheld answers closer together than this share one mark, as in the backend. */
const LEAST_SLOT_MS = 1000;
const MAX_WITHHELD = 1000;
/** A line that is shorter than an hour by less than this still counts as an hour. */
const NEARLY_MS = 60_000;

/**
 * The history with one more answer, inserted by its time: an answer that waited in an outbox closes the gap it left. An
 * answer about the same moment replaces the old one; new labels start with zeros; where counts follow on probabilities, a new line begins; anything more than an hour older than
 * `nowMs` is removed, except the event that held then. It stays bounded, like the backend's own.
 */
export function addResult(history: History, result: Result, nowMs: number): History {
  const time = Date.parse(result.frameTime);
  if (Number.isNaN(time) || time < nowMs - WINDOW_MS) return history;
  const isNewest = time >= (history.times.at(-1) ?? 0);
  if (history.times.length > 0 && !tellAlike(history.task, result.task))
    return isNewest ? addResult(emptyHistory(history.camera, history.region), result, nowMs) : history;
  const known = new Set(history.labels);
  const told = toldShares(result);
  const labels = [...history.labels, ...Object.keys(told).filter((label) => !known.has(label))];
  const { output: former, task: _task, counts: _counts, ...rest } = history;
  const output = isNewest ? result.output : former;
  const inWindow = firstIndexFrom(history.times, nowMs - WINDOW_MS);
  const first = output === 'event' ? Math.max(0, inWindow - 1) : inWindow;
  const at = firstIndexFrom(history.times, time);
  const after = history.times[at] === time ? at + 1 : at;
  const splice = <T>(values: readonly T[], value: T): T[] => [
    ...values.slice(first, at),
    value,
    ...values.slice(after),
  ];
  return boundHistory({
    ...rest,
    ...(output !== undefined && { output }),
    labels,
    times: splice(history.times, time),
    answers: splice(history.answers, 1),
    withheld: history.withheld.filter((at) => at >= nowMs - WINDOW_MS),
    ...withColumns(
      isNewest ? result.task : history.task,
      labels.map((label, index) =>
        splice(
          historyColumns(history)[index] ?? history.times.map(() => 0),
          Object.hasOwn(told, label) ? (told[label] ?? 0) : 0,
        ),
      ),
    ),
  });
}

/** The history with a mark of an answer that was withheld just before `timeMs`; those close together are one. */
export function addWithheld(history: History, timeMs: number): History {
  const last = history.withheld.at(-1) ?? Number.NEGATIVE_INFINITY;
  if (timeMs - last < Math.max(LEAST_SLOT_MS, history.slotMs)) return history;
  const recent = history.withheld.filter((at) => at >= timeMs - WINDOW_MS);
  return { ...history, withheld: [...recent, timeMs].slice(-MAX_WITHHELD) };
}

/** The stored history, followed by the live answers that arrived while it was being fetched. */
export function mergeHistory(fetched: History, live: History): History {
  if (live.times.length > 0 && fetched.times.length > 0 && !tellAlike(fetched.task, live.task)) return live;
  const after = firstIndexFrom(live.times, (fetched.times.at(-1) ?? Number.NEGATIVE_INFINITY) + 1);
  const labels = [...fetched.labels, ...live.labels.filter((label) => !fetched.labels.includes(label))];
  const column = (history: History, label: string) =>
    historyColumns(history)[history.labels.indexOf(label)] ?? history.times.map(() => 0);
  const { withheld } = live.withheld.reduce(addWithheld, fetched);
  const { output: former, task: _task, counts: _counts, ...rest } = fetched;
  const output = after < live.times.length ? live.output : former;
  return boundHistory({
    ...rest,
    ...(output !== undefined && { output }),
    withheld,
    labels,
    slotMs: Math.max(fetched.slotMs, live.slotMs),
    times: [...fetched.times, ...live.times.slice(after)],
    answers: [...fetched.answers, ...live.answers.slice(after)],
    ...withColumns(
      fetched.times.length === 0 ? live.task : fetched.task,
      labels.map((label) => [...column(fetched, label), ...column(live, label).slice(after)]),
    ),
  });
}

/** Left edge of a time line that ends at `endMs`: where its data start, at the earliest `windowMs` ago and at the latest a minute. */
export function startMs({ times }: History, endMs: number, windowMs = WINDOW_MS): number {
  const first = times[0] ?? endMs - windowMs;
  return Math.max(endMs - windowMs, Math.min(first, endMs - LEAST_WINDOW_MS));
}

/** The span a time line covers: `Last hour`, or `Last 12 min` if there was nothing before. */
export function spanWords(
  fromMs: number,
  endMs: number,
  words: Pick<Words, 'history' | 'units'> = EN,
): string {
  const { history } = words;
  const spanMs = endMs - fromMs;
  if (Math.abs(spanMs - WINDOW_MS) <= NEARLY_MS) return history.lastHour;
  const age = formatAge(spanMs + (spanMs > WINDOW_MS ? NEARLY_MS : 0), words);
  return age === formatAge(60_000, words) ? history.lastMinute : history.last(age);
}

/** A time line in one sentence, for those who cannot see the plot: how often each label was the answer. */
export function historyWords(history: History, span: string, words: Words = EN): string {
  const { history: say } = words;
  const count = history.answers.reduce((sum, answers) => sum + answers, 0);
  if (count === 0) return `${say.nothing(span)}.`;
  if (history.output === 'event') {
    const now = labelWords(history.labels[bestLabel(history, history.times.length - 1)] ?? '', words);
    const changes = Math.max(0, history.times.length - 1);
    return `${span}, ${say.changes(formatCount(changes), changes === 1, now)}.`;
  }
  const answers = `${span}, ${say.answers(formatCount(count), count === 1)}`;
  if (history.counts !== undefined) return `${answers}: ${countedMost(history, words)}.`;
  const wins = history.labels.map(() => 0);
  for (const [index, weight] of history.answers.entries()) {
    const best = bestLabel(history, index);
    wins[best] = (wins[best] ?? 0) + weight;
  }
  const shares = history.labels.map(
    (name, index) => `${labelWords(name, words)} ${Math.round(((wins[index] ?? 0) / count) * 100)} %`,
  );
  return `${answers}: ${shares.join(', ')}.`;
}

/** Of each label how many there were at most, and are now. */
function countedMost({ labels, counts = [] }: History, words: Words): string {
  const each = labels.map((name, index) => {
    const column = counts[index] ?? [];
    const most = Math.max(0, ...column);
    return words.history.counts(`${most} ${words.things(name, most)}`, `${column.at(-1) ?? 0}`);
  });
  return each.join('; ');
}

/** Index of the first time not before `time`; times are ascending. */
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
