import { type Schedule, WEEK_DAYS } from '#protocol/rule.ts';
import type { LocalMoment } from '../events/local-time.ts';

/**
 * Whether a schedule holds at a moment in its time zone, as clocks on the wall show it: what lies in the hour that is left out when summer time begins does
 * not come that day, and the hour that comes twice when it ends counts twice.
 */
export function inSchedule({ days, from, to }: Schedule, { weekDay, minute }: LocalMoment): boolean {
  const [start, end] = [minuteOf(from), minuteOf(to)];
  const beginsOn = (day: number) => days.includes(WEEK_DAYS[(day + 7) % 7]!);
  if (start < end) return beginsOn(weekDay) && minute >= start && minute < end;
  return (beginsOn(weekDay) && minute >= start) || (beginsOn(weekDay - 1) && minute < end);
}

/** Of the day. */
function minuteOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}
