import { thingWords } from '#protocol/answer-words.ts';
import type { Result } from '#protocol/messages.ts';
import type { RuleCondition } from '#protocol/rule.ts';
import { isIdleLabel } from '#protocol/situation.ts';
import { observationsOf } from '../events/observations.ts';

type AnswerCondition = Extract<RuleCondition, { readonly kind: 'answer' }>;

export type Match = {
  readonly holds: boolean;
  /** What was found, in words: `2 people`, `present (95 %)`. */
  readonly finding: string;
};

/** Whether an answer is as a rule says; null where it says nothing about that. */
export function matchAnswer(when: AnswerCondition, result: Result): Match | null {
  if (when.region !== undefined && result.region !== when.region) return null;
  const zone = when.zone ?? '';
  const inZone = observationsOf(result).filter((one) => one.zone === zone);
  if (when.zone !== undefined && inZone.length === 0) return null;
  const isMeant = (label: string) => (when.label === undefined ? !isIdleLabel(label) : label === when.label);
  const meant = inZone.filter(({ label }) => isMeant(label));
  const isCounted = result.counts !== undefined;
  const { probability: least } = when;
  const isSure = (probability: number | null) =>
    least !== undefined && probability !== null && probability >= least;
  const found =
    least === undefined || isCounted
      ? meant.filter(({ count }) => count > 0)
      : meant.filter(({ probability }) => isSure(probability));
  const count = isCounted ? found.reduce((sum, one) => sum + one.count, 0) : found.length;
  const { atMost = Number.POSITIVE_INFINITY, atLeast = when.atMost === undefined ? 1 : 0 } = when;
  const words = found.map(({ label, count: many, probability }) =>
    isCounted ? `${many} ${thingWords(label, many)}` : withProbability(label, probability),
  );
  const finding = words.length === 0 ? `no ${when.label ?? 'label'}` : words.join(', ');
  return { holds: count >= atLeast && count <= atMost, finding };
}

function withProbability(label: string, probability: number | null): string {
  return probability === null ? label : `${label} (${Math.round(probability * 100)} %)`;
}

/** Whether a label is in an answer. */
export function shows(result: Result, label: string): boolean {
  return observationsOf(result).some((one) => one.label === label && one.count > 0);
}
