import type { BackendConfig } from '#config/schema.ts';
import { ROLL_UP_LEVELS, ROLL_UP_MS, type RollUpLevel } from '../store/roll-up-level.ts';

/** Widths of slots, minutes. */
const WIDTHS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440] as const;
const MINUTE_MS = 60_000;
export type SlotWidth = { readonly level: RollUpLevel; readonly slotMs: number };

/**
 * Into which slots a span is divided, and the level that they are made of: the coarsest one that divides a slot, so that little is read, or a coarser one and wider slots
 * where that level is not kept for so long.
 *
 * @param points slots at most, at least 1
 * @param minutes up to how many minutes are read as such; of a longer span hours will do
 */
export function slotWidth(
  spanMs: number,
  ageMs: number,
  points: number,
  minutes: number,
  { minuteDays, hourDays }: BackendConfig['history'],
): SlotWidth {
  const least = spanMs / MINUTE_MS / points;
  const fitting = WIDTHS.find((width) => width >= least) ?? Math.ceil(least / 1440) * 1440;
  const days = ageMs / ROLL_UP_MS.day;
  const isShort = spanMs <= minutes * MINUTE_MS;
  const shortest = isShort && days <= minuteDays ? 1 : days <= hourDays ? 60 : 1440;
  const slotMs = Math.max(fitting, shortest) * MINUTE_MS;
  return { level: ROLL_UP_LEVELS.findLast((one) => slotMs % ROLL_UP_MS[one] === 0) ?? 'minute', slotMs };
}
