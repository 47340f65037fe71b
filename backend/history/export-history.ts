import { setImmediate } from 'node:timers/promises';
import { answerWords } from '#protocol/answer-words.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { toldShares } from '#protocol/told-shares.ts';
import { ROLL_UP_MS, type RollUpLevel } from '../store/roll-up-level.ts';
import { type RollUpLine, type RollUpRow, SPAN_SLOTS } from '../store/roll-ups.ts';
import type { Store } from '../store/store.ts';
import type { StoredAnswer } from '../store/stored-answers.ts';
import { csvLine } from './csv-line.ts';

/** Each answer, or answers added up. */
export const EXPORTED_BY = ['answer', 'minute', 'hour', 'day'] as const;
export const EXPORT_FORMATS = ['csv', 'json'] as const;

export type ExportRequest = {
  readonly camera: string;
  /** Pictures from this time on, and before that one, ms since the epoch. */
  readonly fromMs: number;
  readonly beforeMs: number;
  readonly by: (typeof EXPORTED_BY)[number];
  readonly format: (typeof EXPORT_FORMATS)[number];
  /** Stops the reading. */
  readonly signal: AbortSignal;
};

/** Answers read at a time: takes some milliseconds, so that nothing else waits long. */
const PAGE_ROWS = 500;

const ANSWER_COLUMNS = 'time,camera,region,gateway,session,sequence,model,version,withheld,answer,values';
const SLOT_COLUMNS = 'time,seconds,camera,region,model,task,label,answers,held,mean,least,most';

/** One thing that is exported: a line of JSON, and the lines of CSV that say the same. */
type Item = { readonly json: unknown; readonly cells: readonly (readonly (string | number | null)[])[] };

/**
 * Writes what a camera answered, ascending by time, in pieces of some hundred lines. Reads no more than was asked for: the next piece is read when it is wanted, and none
 * after the signal aborts or the reader returns.
 *
 * @returns text of CSV with a line of names at the top, or of a JSON array with an item on each line
 * @throws BlindsightError CAMERA_NOT_FOUND, before the first piece; an AbortError.
 */
export async function* exportHistory(
  store: Pick<Store, 'storedAnswers' | 'rollUps' | 'cameras'>,
  request: ExportRequest,
): AsyncGenerator<string, void, undefined> {
  const { camera, by, format, signal } = request;
  const lines = await store.rollUps.lines(camera);
  if (lines.length === 0 && (await store.cameras.owner(camera)) === null)
    throw new BlindsightError('CAMERA_NOT_FOUND', `no gateway has a camera ${camera}, and none had`);
  const pages = by === 'answer' ? answersOf(store, request) : slotsOf(store, lines, by, request);
  yield format === 'csv' ? `${by === 'answer' ? ANSWER_COLUMNS : SLOT_COLUMNS}\r\n` : '[';
  let isFirst = true;
  for await (const items of pages) {
    if (format === 'csv') yield items.flatMap(({ cells }) => cells.map(csvLine)).join('');
    else if (items.length > 0) {
      yield `${isFirst ? '' : ','}\n${items.map(({ json }) => JSON.stringify(json)).join(',\n')}`;
      isFirst = false;
    }
    await setImmediate(undefined, { signal });
  }
  if (format === 'json') yield '\n]\n';
}

async function* answersOf(
  { storedAnswers }: Pick<Store, 'storedAnswers'>,
  { camera, fromMs, beforeMs }: ExportRequest,
): AsyncGenerator<Item[]> {
  for (let after: StoredAnswer | null = null; ; ) {
    const page: StoredAnswer[] = await storedAnswers.page(camera, fromMs, beforeMs, after, PAGE_ROWS);
    yield page.map(answerItem);
    after = page.at(-1) ?? null;
    if (page.length < PAGE_ROWS) return;
  }
}

function answerItem({ frameMs, camera, results, ...rest }: StoredAnswer): Item {
  const { gateway, session, sequence, model, version, withheld } = rest;
  const time = new Date(frameMs).toISOString();
  const place = [gateway, session, sequence, model, version];
  const cells = results.map((result) => [
    ...[time, camera, result.region ?? '', ...place, withheld],
    ...[answerWords(result), JSON.stringify(toldShares(result))],
  ]);
  const bare = [time, camera, '', ...place, withheld, null, null];
  return { json: { time, camera, ...rest, results }, cells: cells.length === 0 ? [bare] : cells };
}

async function* slotsOf(
  { rollUps }: Pick<Store, 'rollUps'>,
  lines: readonly RollUpLine[],
  level: RollUpLevel,
  { fromMs, beforeMs }: ExportRequest,
): AsyncGenerator<Item[]> {
  const unitMs = ROLL_UP_MS[level];
  const newest = Math.max(...lines.map(({ newestDay }) => newestDay));
  const before = Math.min(Math.ceil(beforeMs / unitMs), (newest + 1) * (ROLL_UP_MS.day / unitMs));
  const oldest = (await rollUps.oldest(level)) ?? before;
  const byId = new Map(lines.map((line) => [line.id, line]));
  for (let from = Math.max(oldest, Math.floor(fromMs / unitMs)); from < before; from += SPAN_SLOTS) {
    const rows: RollUpRow[] = [];
    for (const { id } of lines)
      rows.push(...(await rollUps.span(level, id, from, Math.min(before, from + SPAN_SLOTS))));
    rows.sort((one, other) => one.start - other.start || one.line - other.line);
    yield rows.map((row) => slotItem(row, byId.get(row.line)!, unitMs));
  }
}

function slotItem({ start, rollUp }: RollUpRow, line: RollUpLine, unitMs: number): Item {
  const { camera, region, model, task, labels } = line;
  const time = new Date(start * unitMs).toISOString();
  const seconds = unitMs / 1000;
  const { answers } = rollUp;
  if (task === 'withheld') {
    const cells = [[time, seconds, camera, '', '', task, null, answers, null, null, null, null]];
    return { json: { time, seconds, camera, withheld: answers }, cells };
  }
  const told = labels.map((label, index) => {
    const { sum, least, most, held } = rollUp.label(index);
    return { label, held, mean: Math.round((sum / answers) * 10_000) / 10_000, least, most };
  });
  const about = { time, seconds, camera, ...(region !== '' && { region }), model, task, answers };
  const cells = told.map(({ label, held, mean, least, most }) => [
    ...[time, seconds, camera, region, model, task],
    ...[label, answers, held, mean, least, most],
  ]);
  return { json: { ...about, labels: told }, cells };
}
