import type { Result } from '#protocol/messages.ts';
import type { Words } from '../words/en.ts';
import { formatCount, formatLabel } from './format.ts';

/** A label as a person would write it. */
export function labelWords(label: string, words: Words): string {
  return Object.hasOwn(words.labels, label) ? words.labels[label]![0] : formatLabel(label);
}

/** What was counted: `3 people, 1 car`. */
export function countedWords(counts: NonNullable<Result['counts']>, words: Words): string {
  return Object.entries(counts)
    .map(([label, count]) => `${formatCount(count)} ${words.things(label, count)}`)
    .join(', ');
}

/** An answer in a few words, without its zones. */
export function shortAnswer({ label, labels = [], counts }: Result, words: Words): string {
  if (counts !== undefined) return countedWords(counts, words);
  if (label !== undefined) return labelWords(label, words);
  return labels.length === 0 ? words.none : labels.map((one) => labelWords(one, words)).join(', ');
}

/** The same, with what was counted in each zone. */
export function wholeAnswer(result: Result, words: Words): string {
  const { zones = [], counts = {} } = result;
  if (zones.length === 0) return shortAnswer(result, words);
  const isOne = Object.keys(counts).length === 1;
  const inZone = (own: NonNullable<Result['counts']>) =>
    isOne ? formatCount(Object.values(own)[0] ?? 0) : countedWords(own, words);
  const parts = zones.map((zone) => `${zone.name} ${inZone(zone.counts)}`);
  return `${shortAnswer(result, words)}: ${parts.join(', ')}`;
}
