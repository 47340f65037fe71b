import type { Counts, Result } from './messages.ts';

type Answered = Pick<Result, 'label' | 'labels' | 'counts' | 'zones'>;

/**
 * An answer in words: the label of a classification, the labels that hold, or what was counted, also by zone: `4 people: entrance 2, exit 0`. Equal
 * for answers that tell the same.
 */
export function answerWords({ label, labels, counts, zones = [] }: Answered): string {
  if (counts === undefined) return label ?? (labels!.length === 0 ? 'none' : labels!.join(', '));
  if (zones.length === 0) return countWords(counts);
  const isOne = Object.keys(counts).length === 1;
  const inZone = (own: Counts) => (isOne ? `${Object.values(own)[0]}` : countWords(own));
  return `${countWords(counts)}: ${zones.map((zone) => `${zone.name} ${inZone(zone.counts)}`).join(', ')}`;
}

/** `4 people, 1 car`. */
export function countWords(counts: Counts): string {
  return Object.entries(counts)
    .map(([label, count]) => `${count} ${thingWords(label, count)}`)
    .join(', ');
}

/** A label after a number: `1 person`, `2 people`, `3 delivery vans`. */
export function thingWords(label: string, count: number): string {
  const words = label.replace(/[_-]+/g, ' ').trim();
  if (count === 1 || /(s|people)$/.test(words)) return words;
  if (/person$/.test(words)) return words.replace(/person$/, 'people');
  if (/(x|ch|sh)$/.test(words)) return `${words}es`;
  return /[^aeiou]y$/.test(words) ? words.replace(/y$/, 'ies') : `${words}s`;
}
