import { EN, type Words } from '../words/en.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Shown where a number is not known. */
export const UNKNOWN = '–';

/** No-break space: a number never leaves its unit at a line end. */
const NBSP = '\u00a0';
/** Narrow no-break space, between groups of three digits. */
const THIN = '\u202f';

function unit(value: number | string, name: string): string {
  return `${value}${NBSP}${name}`;
}

/**
 * A span of time in words of at most two units: `now`, `7 s`, `3 min`, `2 h 5 min`, `4 d`. Anything under a second, and
 * a negative span (clocks disagree), is `now`; a span that is not a number is unknown.
 */
export function formatAge(spanMs: number, { units }: Pick<Words, 'units'> = EN): string {
  if (!Number.isFinite(spanMs)) return UNKNOWN;
  if (spanMs < SECOND_MS) return units.now;
  if (spanMs < MINUTE_MS) return unit(Math.floor(spanMs / SECOND_MS), 's');
  if (spanMs < HOUR_MS) return unit(Math.floor(spanMs / MINUTE_MS), 'min');
  if (spanMs < DAY_MS) {
    const minutes = Math.floor((spanMs % HOUR_MS) / MINUTE_MS);
    const hours = unit(Math.floor(spanMs / HOUR_MS), 'h');
    return minutes === 0 ? hours : `${hours} ${unit(minutes, 'min')}`;
  }
  return unit(Math.floor(spanMs / DAY_MS), units.days);
}

/** A short duration as a measurement: `4.2 ms`, `420 ms`, `2.4 s`. */
export function formatDuration(durationMs: number, { units }: Pick<Words, 'units'> = EN): string {
  const measured = (value: number, digits: number) => value.toFixed(digits).replace('.', units.decimal);
  if (!Number.isFinite(durationMs) || durationMs < 0) return UNKNOWN;
  if (durationMs < 9.95) return unit(measured(durationMs, 1), 'ms');
  if (durationMs < 999.5) return unit(Math.round(durationMs), 'ms');
  return unit(measured(durationMs / SECOND_MS, durationMs < 9950 ? 1 : 0), 's');
}

/** A probability in [0, 1] as whole percent. */
export function formatPercent(probability: number): string {
  if (!Number.isFinite(probability)) return UNKNOWN;
  return unit(Math.round(probability * 100), '%');
}

/** A count with thin separators: `12 345`. */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return UNKNOWN;
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** Bytes in decimal units, as on a data sheet: `0.4 MB`, `31 MB`. */
export function formatBytes(bytes: number, { units }: Pick<Words, 'units'> = EN): string {
  const measured = (value: number, digits: number) => value.toFixed(digits).replace('.', units.decimal);
  if (!Number.isFinite(bytes) || bytes < 0) return UNKNOWN;
  if (bytes < 1e3) return unit(bytes, 'B');
  if (bytes < 1e6) return unit(Math.round(bytes / 1e3), 'kB');
  if (bytes < 1e9) return unit(measured(bytes / 1e6, bytes < 1e7 ? 1 : 0), 'MB');
  return unit(measured(bytes / 1e9, 1), 'GB');
}

/** Hours, minutes and seconds of the reader's own time zone, always 24 hours: `14:03:09`. */
export function formatClock(epochMs: number): string {
  const date = new Date(epochMs);
  if (Number.isNaN(date.getTime())) return UNKNOWN;
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** A moment as a person would write it: the time of day, preceded by the date unless it is today. */
export function formatMoment(
  epochMs: number,
  nowMs: number,
  { formatDay }: Pick<Words, 'formatDay'> = EN,
): string {
  const clock = formatClock(epochMs).slice(0, 5);
  const day = new Date(epochMs);
  if (Number.isNaN(day.getTime())) return UNKNOWN;
  if (day.toDateString() === new Date(nowMs).toDateString()) return clock;
  return `${formatDay(day.getDate(), day.getMonth())}, ${clock}`;
}

/** A label of a network as a person would write it: `person_at_table` becomes `Person at table`. */
export function formatLabel(label: string): string {
  const words = label.replace(/[_-]+/g, ' ').trim();
  const [first = ''] = words;
  return first.toUpperCase() + words.slice(first.length);
}
