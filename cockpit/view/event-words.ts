import type { RecordedEvent } from '#protocol/recorded-event.ts';
import type { Words } from '../words/en.ts';
import { formatAge, formatMoment } from './format.ts';
import { labelWords } from './label-words.ts';

export type EventWords = {
  /** What was there, and where in the picture. */
  readonly what: string;
  readonly when: string;
  /** How long, and how many at most. */
  readonly span: string;
};

/** An event in a line. */
export function eventWords(event: RecordedEvent, nowMs: number, words: Words): EventWords {
  const { label, region, zone, start, end, peak } = event;
  const startMs = Date.parse(start);
  const where = [region, zone].filter((part) => part !== undefined);
  const isCount = peak !== null && Number.isInteger(peak) && peak > 1;
  const lasted =
    end === null ? words.events.running : formatAge(Math.max(1000, Date.parse(end) - startMs), words);
  return {
    what: [labelWords(label, words), ...where].join(', '),
    when: formatMoment(startMs, nowMs, words),
    span: [lasted, ...(isCount ? [words.events.peakCount(peak)] : [])].join(' · '),
  };
}
