import type { Result } from './messages.ts';

/** What an answer says about each label: its probabilities, or 1 for the label of one that tells nothing else. */
export function toldShares({
  label,
  probabilities,
}: Pick<Result, 'label' | 'probabilities'>): Readonly<Record<string, number>> {
  return probabilities ?? { [label]: 1 };
}
