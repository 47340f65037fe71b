import type { Result } from './messages.ts';

type Told = Pick<Result, 'task' | 'label' | 'labels' | 'probabilities' | 'counts'>;

/**
 * What an answer says about each label, for a time line: its count or its probability, or 1 for each label that holds where nothing else is told.
 */
export function toldShares({
  label,
  labels = label === undefined ? [] : [label],
  probabilities,
  counts,
}: Told): Readonly<Record<string, number>> {
  return counts ?? probabilities ?? Object.fromEntries(labels.map((held) => [held, 1]));
}
