import type { SiteState } from '#protocol/api.ts';
import { EN, type Words } from '../words/en.ts';
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
  readonly key: 'accepted' | 'gaps' | 'duplicates' | 'withheld' | 'refused' | 'waiting' | 'dropped';
  /** Tone once something is counted. */
  readonly tone: Tone;
  readonly count: (site: SiteState) => number;
};

const DEFINITIONS: readonly Definition[] = [
  {
    key: 'accepted',
    tone: 'good',
    count: (site) => site.counters.accepted,
  },
  {
    key: 'gaps',
    tone: 'warn',
    count: (site) => site.counters.gaps,
  },
  {
    key: 'duplicates',
    tone: 'off',
    count: (site) => site.counters.duplicates,
  },
  {
    key: 'withheld',
    tone: 'warn',
    count: (site) => site.counters.withheld,
  },
  {
    key: 'refused',
    tone: 'bad',
    count: (site) => total(Object.values(site.counters.refused)),
  },
  {
    key: 'waiting',
    tone: 'wait',
    count: (site) => total(site.gateways.map((gateway) => gateway.health?.outbox.waiting ?? 0)),
  },
  {
    key: 'dropped',
    tone: 'bad',
    count: (site) => total(site.gateways.map((gateway) => gateway.health?.outbox.dropped ?? 0)),
  },
];

/** The counters, in the order of the page. A zero is never alarming, whatever it counts. */
export function counterRows(
  site: SiteState,
  { counted }: Pick<Words, 'counted'> = EN,
): readonly CounterRow[] {
  return DEFINITIONS.map(({ key, tone, count }) => {
    const value = count(site);
    return { key, ...counted[key], count: value, tone: value === 0 ? 'off' : tone };
  });
}

/** The refusals by reason, most frequent first. */
export function refusalRows(site: SiteState, words: Words = EN): readonly CounterRow[] {
  return Object.entries(site.counters.refused)
    .filter(([, count]) => count > 0)
    .sort(([, left], [, right]) => right - left)
    .map(([reason, count]) => ({
      key: reason,
      name: reason,
      explanation: refusalWords(reason, site, words),
      count,
      tone: 'bad',
    }));
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
