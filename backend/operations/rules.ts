import type { BackendConfig } from '#config/schema.ts';
import type { SiteState } from '#protocol/api.ts';
import { BlindsightError } from '#protocol/errors.ts';
import { MAX_RULES, Rule, type RuleTest, type RuleView } from '#protocol/rule.ts';
import { conditionWords, subjectWords } from '#protocol/rule-words.ts';
import { type Clock, systemClock } from '#runtime/clock.ts';
import { LocalTime } from '../events/local-time.ts';
import { matchAnswer } from '../rules/match-answer.ts';
import { type Replay, replayRule } from '../rules/replay-rule.ts';
import { siteFacts } from '../rules/site-facts.ts';
import type { Site } from '../site.ts';
import type { Store } from '../store/store.ts';
import { ruleDoubts } from './rule-doubts.ts';

/** What the three doors share: page, API and command line. */
export type RuleContext = {
  readonly site: Pick<Site, 'store'>;
  readonly config: Pick<BackendConfig, 'events' | 'timeZone'>;
  /** Of the running backend; null where none answers. */
  readonly state: SiteState | null;
  readonly clock?: Clock;
  /** Ends a test. */
  readonly signal?: AbortSignal;
};

type Saved = {
  readonly author: string;
  /** Saves it whatever is doubtful. */
  readonly anyway?: boolean;
  /** Whether there is to be one of that name before: `new` if not. */
  readonly instead: 'new' | 'existing' | 'either';
};

const HOUR_MS = 3_600_000;
const SHOWN = 100;

const isoTime = (ms: number): string => new Date(ms).toISOString();

/** @throws BlindsightError RULE_INVALID, which names the first field that is wrong */
export function parseRule(value: unknown): Rule {
  const { data, error } = Rule.safeParse(value);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  const path = issue!.path.join('.');
  throw new BlindsightError('RULE_INVALID', `${path === '' ? 'rule' : path}: ${issue!.message}`);
}

/** By name. */
export function listRules({ store }: Pick<Site, 'store'>): Promise<RuleView[]> {
  return store.rules.list();
}

/** @throws BlindsightError RULE_NOT_FOUND */
export async function findRule(store: Store, name: string): Promise<RuleView> {
  const rule = await store.rules.get(name);
  if (rule !== null) return rule;
  const others = (await store.rules.list()).map((one) => one.name).join(', ');
  throw new BlindsightError(
    'RULE_NOT_FOUND',
    `there is no rule ${name}; ${others === '' ? 'there are none' : `there are: ${others}`}`,
  );
}

/**
 * What a rule would have done in the last day by the answers that are stored, where its condition holds now, and why it is perhaps not meant so.
 *
 * @throws BlindsightError RULE_INVALID
 */
export async function testRule(context: RuleContext, value: unknown): Promise<RuleTest> {
  const rule = parseRule(value);
  const { site, config, state, clock = systemClock, signal = new AbortController().signal } = context;
  const { store } = site;
  const untilMs = clock.now();
  const cameras = (await store.cameras.list()).map(({ camera }) => camera);
  const timeZone = new LocalTime(config.timeZone).timeZone;
  const replay = await replayRule(rule, {
    ...{ results: store.results, cameras, untilMs, settings: config.events, timeZone, signal },
  });
  const mostInAnHour = mostWithin(replay, HOUR_MS);
  const doubts = await ruleDoubts(store, rule, { mostInAnHour, state });
  return {
    from: isoTime(replay.fromMs),
    until: isoTime(untilMs),
    answers: replay.answers,
    count: replay.raised.length,
    mostInAnHour,
    raised: replay.raised.slice(0, SHOWN).map(({ subject, atMs, endMs }) => ({
      ...{ subject, at: isoTime(atMs) },
      end: endMs === null ? null : isoTime(endMs),
    })),
    holdsNow: await holdsNow(store, rule, {
      cameras,
      state,
      sinceMs: untilMs - config.events.silenceSeconds * 1000,
    }),
    doubts,
  };
}

/**
 * Adds or replaces a rule. It counts within seconds, also where another process runs the backend.
 *
 * @throws BlindsightError RULE_INVALID; RULE_DOUBTFUL unless `anyway`; RULE_EXISTS, RULE_NOT_FOUND by `instead`; RULES_FULL
 */
export async function saveRule(
  context: RuleContext,
  value: unknown,
  { author, anyway = false, instead }: Saved,
): Promise<RuleView> {
  const rule = parseRule(value);
  const { site, clock = systemClock } = context;
  if (!anyway) {
    const { doubts } = await testRule(context, rule);
    if (doubts.length > 0) throw new BlindsightError('RULE_DOUBTFUL', `${rule.name}: ${doubts.join('; ')}`);
  }
  return site.store.transaction(async (store) => {
    const all = await store.rules.list();
    const isThere = all.some(({ name }) => name === rule.name);
    if (isThere && instead === 'new')
      throw new BlindsightError('RULE_EXISTS', `there is a rule ${rule.name} already`);
    if (!isThere && instead === 'existing') await findRule(store, rule.name);
    if (!isThere && all.length >= MAX_RULES)
      throw new BlindsightError('RULES_FULL', `there are ${MAX_RULES} rules, and no site may have more`);
    return put(store, rule, author, clock);
  });
}

/** Turns a rule on or off. What a rule had raised that is turned off has ended. @throws BlindsightError RULE_NOT_FOUND */
export async function enableRule(
  { site, clock = systemClock }: Pick<RuleContext, 'site' | 'clock'>,
  name: string,
  enabled: boolean,
  author: string,
): Promise<RuleView> {
  return site.store.transaction(async (store) => {
    const { changed, author: before, ...rule } = await findRule(store, name);
    return put(store, { ...rule, enabled }, author, clock);
  });
}

/** What it had raised has ended. @throws BlindsightError RULE_NOT_FOUND */
export async function removeRule(
  { site, clock = systemClock }: Pick<RuleContext, 'site' | 'clock'>,
  name: string,
): Promise<void> {
  await site.store.transaction(async (store) => {
    await findRule(store, name);
    await store.rules.remove(name);
    await store.journal.add({
      ...{ timeMs: clock.now(), level: 'info', code: 'RULE_REMOVED', subject: name },
      message: `rule ${name} was removed`,
    });
  });
}

async function put(store: Store, rule: Rule, author: string, clock: Clock): Promise<RuleView> {
  await store.rules.put(rule, author, clock.now());
  await store.journal.add({
    ...{ timeMs: clock.now(), level: 'info', code: 'RULE_SAVED', subject: rule.name },
    message: `rule ${rule.name}${rule.enabled ? '' : ', turned off,'} was saved by ${author}: ${conditionWords(rule.when)}`,
  });
  return findRule(store, rule.name);
}

/** The most that were raised within any span of so long. */
function mostWithin({ raised }: Replay, spanMs: number): number {
  let first = 0;
  let most = 0;
  for (const [i, { atMs }] of raised.entries()) {
    while (atMs - raised[first]!.atMs >= spanMs) first++;
    most = Math.max(most, i - first + 1);
  }
  return most;
}

type Present = {
  readonly cameras: readonly string[];
  readonly state: SiteState | null;
  /** Older answers tell nothing about now. */
  readonly sinceMs: number;
};

async function holdsNow(
  store: Store,
  { when }: Rule,
  { cameras, state, sinceMs }: Present,
): Promise<string[]> {
  if (when.kind !== 'answer') {
    const facts = state === null ? [] : siteFacts(when, state);
    return facts
      .filter(({ holds, amount }) => holds && amount === undefined)
      .map(({ subject }) => subjectWords(subject));
  }
  const holding: string[] = [];
  for (const camera of when.cameras === 'all' ? cameras : when.cameras) {
    const whole = await store.results.latest(camera);
    const regions = await store.results.latestRegions(camera);
    for (const result of whole === null ? regions : [whole, ...regions]) {
      const isNew = result.output === 'event' || Date.parse(result.frameTime) >= sinceMs;
      if (!isNew || !matchAnswer(when, result)?.holds) continue;
      const { region } = result;
      const place = {
        ...(region !== undefined && { region }),
        ...(when.zone !== undefined && { zone: when.zone }),
      };
      holding.push(subjectWords({ kind: 'camera', name: camera, ...place }));
    }
  }
  return holding;
}
