import { setImmediate } from 'node:timers/promises';
import type { BackendConfig } from '#config/schema.ts';
import type { History } from '#protocol/api.ts';
import { tellAlike, withColumns } from '#protocol/history-columns.ts';
import type { Result } from '#protocol/messages.ts';
import { emptyHistory } from '#protocol/thin-history.ts';
import { RollUp } from '../store/roll-up.ts';
import { ROLL_UP_MS } from '../store/roll-up-level.ts';
import { type RollUpLine, SPAN_SLOTS } from '../store/roll-ups.ts';
import type { Store } from '../store/store.ts';
import { type HistoryRequest, readAnswers } from './read-answers.ts';
import { type SlotWidth, slotWidth } from './slot-width.ts';

/** Up to so long, each answer counts. */
const ANSWERS_MS = 3_600_000;
/** Points of a time line at most, and numbers in all: bounds what is read, and the size of the answer. */
const MAX_POINTS = 1500;
const LEAST_POINTS = 60;
const MAX_NUMBERS = 60_000;
/** Those of a week, and a little. */
const MOST_MINUTES = 8 * 1440;
/** For each label: mean, least, most, held. */
const NUMBERS = 4;

type Slots = Map<number, RollUp>;

/**
 * Probabilities or counts of a camera or region over time: of up to an hour from the answers themselves, of more from answers that were added up. Labels are those of the network
 * that answered last; another network's answers are in it as far as they tell of the same labels.
 */
export async function readHistory(
  store: Pick<Store, 'results' | 'rollUps'>,
  request: HistoryRequest,
  days: BackendConfig['history'],
): Promise<History> {
  const { camera, region, sinceMs, untilMs } = request;
  if (untilMs - sinceMs <= ANSWERS_MS) return readAnswers(store.results, request);
  const all = await store.rollUps.lines(camera);
  const lines = all.filter((line) => line.task !== 'withheld' && line.region === (region ?? ''));
  const labels = Math.max(0, ...lines.map((line) => line.labels.length));
  const most = Math.floor(MAX_NUMBERS / (NUMBERS * labels + 2));
  const points = Math.max(LEAST_POINTS, Math.min(MAX_POINTS, most));
  const width = slotWidth(untilMs - sinceMs, untilMs - sinceMs, points, MOST_MINUTES, days);
  const slots = new Map<RollUpLine, Slots>();
  for (const line of lines) slots.set(line, await readSlots(store, line, width, request));
  const withheld = all.find((line) => line.task === 'withheld');
  const marks = withheld === undefined ? [] : (await readSlots(store, withheld, width, request)).keys();
  const empty = { ...emptyHistory(camera, region), slotMs: width.slotMs, withheld: [...marks] };
  return { ...empty, ...lineOf(slots) };
}

/** What a line has in a span, by the beginning of the slot, ms, ascending. */
async function readSlots(
  { rollUps }: Pick<Store, 'rollUps'>,
  line: RollUpLine,
  { level, slotMs }: SlotWidth,
  { sinceMs, untilMs, signal }: Pick<HistoryRequest, 'sinceMs' | 'untilMs' | 'signal'>,
): Promise<Slots> {
  const unitMs = ROLL_UP_MS[level];
  const slots: Slots = new Map();
  // Whole slots: one that begins before the span holds answers of it.
  const first = (Math.floor(sinceMs / slotMs) * slotMs) / unitMs;
  const before = Math.floor(untilMs / unitMs) + 1;
  // Nothing is there of before a line began or after it ended; most lines of a camera are of networks that it no longer has.
  const last = Math.min(before, (line.newestDay + 1) * (ROLL_UP_MS.day / unitMs));
  for (let from = first; from < last; from += SPAN_SLOTS) {
    const rows = await rollUps.span(level, line.id, from, Math.min(last, from + SPAN_SLOTS));
    for (const { start, rollUp } of rows) {
      const time = Math.floor((start * unitMs) / slotMs) * slotMs;
      const known = slots.get(time);
      if (known === undefined) slots.set(time, rollUp);
      else known.merge(rollUp);
    }
    await setImmediate(undefined, { signal });
  }
  return slots;
}

function lineOf(slots: ReadonlyMap<RollUpLine, Slots>): Partial<History> {
  const end = (line: RollUpLine) => Math.max(...slots.get(line)!.keys());
  const told = [...slots.keys()].filter((line) => slots.get(line)!.size > 0);
  const newest = told.toSorted((one, other) => end(other) - end(one) || other.id - one.id)[0];
  if (newest === undefined) return {};
  const alike = told.filter(
    (line) =>
      tellAlike(taskOf(line), taskOf(newest)) && line.labels.some((label) => newest.labels.includes(label)),
  );
  const labels = [...new Set([...newest.labels, ...alike.flatMap((line) => line.labels)])];
  const merged: Slots = new Map();
  for (const line of alike) {
    const indices = line.labels.map((label) => labels.indexOf(label));
    for (const [time, rollUp] of slots.get(line)!) {
      const into = merged.get(time) ?? new RollUp();
      into.merge(rollUp, indices);
      merged.set(time, into);
    }
  }
  const times = [...merged.keys()].sort((one, other) => one - other);
  const rollUps = times.map((time) => merged.get(time)!);
  const columns = (value: (rollUp: RollUp, label: number) => number) =>
    labels.map((_, label) => rollUps.map((rollUp) => value(rollUp, label)));
  const mean = columns((rollUp, label) => rounded(rollUp.label(label).sum / rollUp.answers));
  return {
    labels,
    times,
    answers: rollUps.map(({ answers }) => answers),
    ...(newest.output !== null && { output: 'label' }),
    ...withColumns(taskOf(newest), mean),
    slots: {
      least: columns((rollUp, label) => rollUp.label(label).least),
      most: columns((rollUp, label) => rollUp.label(label).most),
      held: columns((rollUp, label) => rollUp.label(label).held),
    },
  };
}

function taskOf({ task }: RollUpLine): Result['task'] {
  return task === 'classification' || task === 'withheld' ? undefined : task;
}

/** Three places: a line needs no more. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
