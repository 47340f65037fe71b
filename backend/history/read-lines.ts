import type { BackendConfig } from '#config/schema.ts';
import type { SiteLine, SiteLines } from '#protocol/api.ts';
import { RollUp } from '../store/roll-up.ts';
import { ROLL_UP_MS } from '../store/roll-up-level.ts';
import type { RollUpLine } from '../store/roll-ups.ts';
import type { Store } from '../store/store.ts';
import { slotWidth } from './slot-width.ts';

const MAX_LABELS = 4;
/** The slots of all cameras are read at once: beyond this, by hours. */
const MOST_MINUTES = 360;

type Line = { readonly line: RollUpLine; readonly slots: RollUp[]; last: number };

/**
 * Small time lines of all cameras that the site has, made of answers that were added up.
 *
 * @param minutes how far back, at most 30 days
 * @param points of a line, at most
 */
export async function readLines(
  { rollUps, cameras }: Pick<Store, 'rollUps' | 'cameras'>,
  { minutes, points, nowMs }: { readonly minutes: number; readonly points: number; readonly nowMs: number },
  days: BackendConfig['history'],
): Promise<SiteLines> {
  const spanMs = minutes * 60_000;
  const { level, slotMs } = slotWidth(spanMs, spanMs, points, MOST_MINUTES, days);
  const end = Math.floor(nowMs / slotMs) + 1;
  const first = end - Math.ceil(spanMs / slotMs);
  const unitsOfSlot = slotMs / ROLL_UP_MS[level];
  const listed = new Set((await cameras.list()).map(({ camera }) => camera));
  const known = new Map((await rollUps.lines()).map((line) => [line.id, line]));
  const lines = new Map<number, Line>();
  for (const { start, line: id, rollUp } of await rollUps.all(
    level,
    first * unitsOfSlot,
    end * unitsOfSlot,
  )) {
    const line = known.get(id);
    if (line === undefined || line.task === 'withheld' || !listed.has(line.camera)) continue;
    const made = lines.get(id) ?? {
      line,
      slots: Array.from({ length: end - first }, () => new RollUp()),
      last: 0,
    };
    lines.set(id, made);
    made.slots[Math.floor(start / unitsOfSlot) - first]?.merge(rollUp);
    made.last = start;
  }
  return {
    ...{ sinceMs: first * slotMs, slotMs, points: end - first },
    lines: newestOfEach([...lines.values()]).map(small),
  };
}

/** Of several networks that answered about a camera or region, the one that did so last. */
function newestOfEach(lines: readonly Line[]): Line[] {
  const newest = new Map<string, Line>();
  for (const one of lines.toSorted((a, b) => a.last - b.last || a.line.id - b.line.id))
    newest.set(`${one.line.camera}/${one.line.region}`, one);
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

function small({ line: { camera, region, task, labels }, slots }: Line): SiteLine {
  const held = (label: number) => slots.reduce((sum, slot) => sum + slot.label(label).held, 0);
  const shown = labels
    .map((name, index) => ({ name, index, held: held(index) }))
    .toSorted((one, other) => other.held - one.held)
    .slice(0, MAX_LABELS);
  const columns = (value: (slot: RollUp, label: number) => number) =>
    shown.map(({ index }) => slots.map((slot) => (slot.answers === 0 ? null : rounded(value(slot, index)))));
  return {
    camera,
    ...(region !== '' && { region }),
    ...(task !== 'classification' && task !== 'withheld' && { task }),
    labels: shown.map(({ name }) => name),
    answers: slots.map(({ answers }) => answers),
    mean: columns((slot, label) => slot.label(label).sum / slot.answers),
    most: columns((slot, label) => slot.label(label).most),
  };
}

/** Two places: a small line needs no more. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
