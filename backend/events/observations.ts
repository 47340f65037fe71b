import type { Counts, Result } from '#protocol/messages.ts';
import { isIdleLabel } from '#protocol/situation.ts';
import { placeOf } from './place-of.ts';

/** What one answer says about one label, in the whole picture or a zone. */
export type Observation = {
  readonly zone: string;
  readonly label: string;
  /** How many there are; what holds counts as 1. */
  readonly count: number;
  /** Of the label; null where none is let out, or numbers are counted. */
  readonly probability: number | null;
};

/** What an answer says about the labels that it names. An empty `zone` is the whole picture. */
export function observationsOf(result: Result): Observation[] {
  if (result.counts !== undefined) {
    const { counts, zones = [] } = result;
    return [...counted('', counts), ...zones.flatMap((zone) => counted(zone.name, zone.counts))];
  }
  const { probabilities = {}, labels = [result.label!] } = result;
  const named = new Set([...Object.keys(probabilities), ...labels]);
  return [...named].map((label) => ({
    ...{ zone: '', label, count: labels.includes(label) ? 1 : 0 },
    probability: probabilities[label] ?? null,
  }));
}

/** What an answer says that can be an event, by {@link placeOf}. */
export function tellingByPlace(result: Result): Map<string, Observation> {
  const { region = '' } = result;
  const telling = observationsOf(result).filter(({ label }) => !isIdleLabel(label));
  return new Map(telling.map((one) => [placeOf({ region, ...one }), one]));
}

function counted(zone: string, counts: Counts): Observation[] {
  return Object.entries(counts).map(([label, count]) => ({ zone, label, count, probability: null }));
}
