import { setImmediate } from 'node:timers/promises';
import type { History } from '#protocol/api.ts';
import { historyColumns, tellAlike, withColumns } from '#protocol/history-columns.ts';
import { boundHistory, emptyHistory } from '#protocol/thin-history.ts';
import { toldShares } from '#protocol/told-shares.ts';
import type { ResultStore } from '../store/results.ts';

/** Answers read at a time: takes some milliseconds, so that nothing else waits long. */
const PAGE_ROWS = 1000;
/** Answers read in total: of a longer span the newest part is shown. */
const MAX_ROWS = 1_000_000;
const MAX_WITHHELD = 1000;
const LEAST_SLOT_MS = 1000;

/** What a time line shows. */
export type HistoryRequest = {
  readonly camera: string;
  /** A named region; the whole picture by default. */
  readonly region?: string;
  readonly sinceMs: number;
  /** Later ones, stored while a clock was wrong, are skipped. */
  readonly untilMs: number;
  /** Stops the reading when nobody waits for it any more. */
  readonly signal: AbortSignal;
};

type Row = Awaited<ReturnType<ResultStore['history']>>[number];

/**
 * Probabilities or counts of a camera or region over time, for a time line. Labels are those of the newest answer; answers of a network that
 * shares none of them are skipped. Answers that tell only their label add it to the labels; where the newest is an event, the line begins with the one that
 * held when the time line does.
 */
export async function readAnswers(
  results: Pick<ResultStore, 'history' | 'withheldTimes'>,
  { camera, region, sinceMs, untilMs, signal }: HistoryRequest,
): Promise<History> {
  const span = { sinceMs, beforeMs: untilMs + 1 };
  let beforeMs = span.beforeMs;
  let line = emptyHistory(camera, region);
  for (let count = 0; count < MAX_ROWS; ) {
    const rows = await results.history(camera, { sinceMs, beforeMs }, PAGE_ROWS, region);
    line = boundHistory(withEarlier(line, rows));
    count += rows.length;
    beforeMs = rows[0]?.frameMs ?? 0;
    if (rows.length < PAGE_ROWS) break;
    await setImmediate(undefined, { signal });
  }
  if (line.output === 'event' || line.times.length === 0) {
    const [held] = await results.history(camera, { sinceMs: 0, beforeMs: sinceMs }, 1, region);
    if (held?.result.output === 'event') line = withEarlier(line, [{ ...held, frameMs: sinceMs }]);
  }
  const slotMs = Math.max(LEAST_SLOT_MS, line.slotMs);
  return { ...line, withheld: await results.withheldTimes(camera, span, slotMs, MAX_WITHHELD) };
}

function withEarlier(line: History, rows: readonly Row[]): History {
  const isFirst = line.labels.length === 0;
  const newest = rows.at(-1)?.result;
  const output = isFirst ? newest?.output : line.output;
  const task = isFirst ? newest?.task : line.task;
  const before = isFirst ? Object.keys(newest === undefined ? {} : toldShares(newest)) : line.labels;
  const known = rows.filter(
    ({ result }) =>
      tellAlike(task, result.task) &&
      (isBare(result) || before.some((label) => Object.hasOwn(toldShares(result), label))),
  );
  const told = known.filter(({ result }) => isBare(result));
  const labels = [...new Set([...before, ...told.flatMap(({ result }) => Object.keys(toldShares(result)))])];
  const columns = historyColumns(line);
  return {
    ...line,
    labels,
    ...(output !== undefined && { output }),
    times: [...known.map(({ frameMs }) => frameMs), ...line.times],
    ...withColumns(
      task,
      labels.map((label, index) => [
        ...known.map(({ result }) => toldShares(result)[label] ?? 0),
        ...(columns[index] ?? line.times.map(() => 0)),
      ]),
    ),
    answers: [...known.map(() => 1), ...line.answers],
  };
}

/** Whether an answer names only the labels that hold. */
function isBare({ probabilities, counts }: Row['result']): boolean {
  return probabilities === undefined && counts === undefined;
}
