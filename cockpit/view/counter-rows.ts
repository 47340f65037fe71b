import type { SiteState } from '#protocol/api.ts';
import { refusalWords } from './refusal-words.ts';
import type { Tone } from './tone.ts';

export type CounterRow = {
  readonly key: string;
  readonly name: string;
  readonly count: number;
  readonly tone: Tone;
  readonly explanation: string;
};

type Definition = {
  readonly key: string;
  readonly name: string;
  readonly explanation: string;
  /** Tone once something is counted. */
  readonly tone: Tone;
  readonly count: (site: SiteState) => number;
};

const DEFINITIONS: readonly Definition[] = [
  {
    key: 'accepted',
    name: 'Accepted',
    explanation: 'Answers opened, checked and stored.',
    tone: 'good',
    count: (site) => site.counters.accepted,
  },
  {
    key: 'gaps',
    name: 'Missing',
    explanation: 'Numbers skipped by a gateway: answers that never arrived.',
    tone: 'warn',
    count: (site) => site.counters.gaps,
  },
  {
    key: 'duplicates',
    name: 'Duplicates',
    explanation: 'Received twice, stored once. Harmless after a lost connection.',
    tone: 'off',
    count: (site) => site.counters.duplicates,
  },
  {
    key: 'withheld',
    name: 'Withheld',
    explanation: 'Unusual pictures: opened, but not to be trusted, so never shown.',
    tone: 'warn',
    count: (site) => site.counters.withheld,
  },
  {
    key: 'refused',
    name: 'Refused',
    explanation: 'Never opened: wrong signature, sender, model or size, or dropped.',
    tone: 'bad',
    count: (site) => total(Object.values(site.counters.refused)),
  },
  {
    key: 'waiting',
    name: 'Waiting',
    explanation: 'Still on the gateways’ disks, waiting to be sent.',
    tone: 'wait',
    count: (site) => total(site.gateways.map((gateway) => gateway.health?.outbox.waiting ?? 0)),
  },
  {
    key: 'dropped',
    name: 'Dropped',
    explanation: 'Deleted by a gateway because its outbox was full; oldest first.',
    tone: 'bad',
    count: (site) => total(site.gateways.map((gateway) => gateway.health?.outbox.dropped ?? 0)),
  },
];

/** The counters, in the order of the page. A zero is never alarming, whatever it counts. */
export function counterRows(site: SiteState): readonly CounterRow[] {
  return DEFINITIONS.map(({ key, name, explanation, tone, count }) => {
    const value = count(site);
    return { key, name, explanation, count: value, tone: value === 0 ? 'off' : tone };
  });
}

/** The refusals by reason, most frequent first. */
export function refusalRows(site: SiteState): readonly CounterRow[] {
  return Object.entries(site.counters.refused)
    .filter(([, count]) => count > 0)
    .sort(([, left], [, right]) => right - left)
    .map(([reason, count]) => ({
      key: reason,
      name: reason,
      explanation: refusalWords(reason, site),
      count,
      tone: 'bad',
    }));
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
