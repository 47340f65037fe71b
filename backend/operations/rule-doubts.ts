import type { SiteState } from '#protocol/api.ts';
import type { Rule } from '#protocol/rule.ts';
import type { Store } from '../store/store.ts';

/** More often than this within an hour, nobody looks at what a rule raises. */
const MOST_IN_AN_HOUR = 20;
/** A rule that neither waits nor cools down for so long may be raised with every answer. */
const LEAST_SECONDS = 10;

type Found = {
  /** See {@link RuleTest}. */
  readonly mostInAnHour: number;
  readonly state: SiteState | null;
};

/** Why a rule is perhaps not meant as it is written, in sentences. */
export async function ruleDoubts(
  store: Store,
  rule: Rule,
  { mostInAnHour, state }: Found,
): Promise<string[]> {
  return [
    ...(await unknownPlaces(store, rule)),
    ...(await unknownLabels(store, rule)),
    ...(await unknownChannels(store, rule)),
    ...tooOften(rule, mostInAnHour),
    ...unsaid(rule, state),
  ];
}

const listed = (names: Iterable<string>): string => {
  const all = [...names].join(', ');
  return all === '' ? 'there are none' : `there are: ${all}`;
};

async function unknownPlaces(store: Store, { when }: Rule): Promise<string[]> {
  const doubts: string[] = [];
  if ('cameras' in when && when.cameras !== 'all') {
    const known = (await store.cameras.list()).map(({ camera }) => camera);
    for (const name of when.cameras)
      if (!known.includes(name)) doubts.push(`no gateway has a camera ${name}; ${listed(known)}`);
  }
  if ('gateways' in when && when.gateways !== 'all') {
    const known = (await store.gateways.list()).map(({ name }) => name);
    for (const name of when.gateways)
      if (!known.includes(name)) doubts.push(`there is no gateway ${name}; ${listed(known)}`);
  }
  if (when.kind === 'answer' && when.zone !== undefined) {
    const { zone } = when;
    const zones = await store.zones.all();
    const meant = when.cameras === 'all' ? [...zones.keys()] : when.cameras;
    const have = meant.filter((camera) => zones.get(camera)?.some(({ name }) => name === zone));
    if (have.length === 0) doubts.push(`none of its cameras has a zone ${zone}`);
    else if (when.cameras !== 'all')
      for (const camera of meant) if (!have.includes(camera)) doubts.push(`${camera} has no zone ${zone}`);
  }
  return doubts;
}

async function unknownLabels(store: Store, { when }: Rule): Promise<string[]> {
  if (when.kind !== 'answer' && when.kind !== 'absence') return [];
  const models = (await store.models.list()).filter(({ retirement }) => retirement === null);
  const { label } = when;
  const having = label === undefined ? models : models.filter(({ labels }) => labels.includes(label));
  if (label !== undefined && having.length === 0)
    return [`no network has a label ${label}; ${listed(new Set(models.flatMap(({ labels }) => labels)))}`];
  if (when.kind !== 'answer' || when.probability === undefined || having.length === 0) return [];
  const tells = having.some(
    ({ output, interpretation: { task } }) =>
      output.output === 'rounded' && (task === undefined || task === 'labels'),
  );
  return tells ? [] : ['no network that it is about tells probabilities'];
}

async function unknownChannels(store: Store, { notify }: Rule): Promise<string[]> {
  if (notify.length === 0) return [];
  const known = (await store.channels.list()).map(({ name }) => name);
  return notify
    .filter((name) => !known.includes(name))
    .map((name) => `there is no channel ${name}; ${listed(known)}`);
}

function tooOften({ when, coolDownSeconds }: Rule, mostInAnHour: number): string[] {
  const doubts: string[] = [];
  if (mostInAnHour > MOST_IN_AN_HOUR)
    doubts.push(
      `it would have been raised ${mostInAnHour} times within an hour of the last day; let it last longer, or cool down for longer`,
    );
  if (when.kind !== 'answer') return doubts;
  if (when.forSeconds < LEAST_SECONDS && coolDownSeconds < LEAST_SECONDS)
    doubts.push(`it could be raised with every answer; let it last or cool down for ${LEAST_SECONDS} s`);
  if (when.atMost === undefined && when.atLeast === 0) doubts.push('at least 0 is always so');
  if (when.atMost !== undefined && when.atMost < (when.atLeast ?? 0)) doubts.push('it can never hold');
  return doubts;
}

/** What has never spoken is not offline, and must not seem to be watched. */
function unsaid({ when }: Rule, state: SiteState | null): string[] {
  if (
    when.kind !== 'gateway-state' ||
    when.states.includes('unknown') ||
    state === null ||
    !state.broker.connected
  )
    return [];
  const { gateways } = when;
  const silent = state.gateways
    .filter(({ name, state: now }) => now === 'unknown' && (gateways === 'all' || gateways.includes(name)))
    .map(({ name }) => name);
  if (silent.length === 0 || !when.states.includes('offline')) return [];
  return [
    `what has not said anything yet is unknown and not offline: ${silent.join(', ')}; name the state unknown too`,
  ];
}
