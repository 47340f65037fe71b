import type { SiteState } from '#protocol/api.ts';
import type { Rule } from '#protocol/rule.ts';
import { conditionWords, scheduleWords, subjectWords } from '#protocol/rule-words.ts';
import type { Clock } from '#runtime/clock.ts';
import type { Logger } from '#runtime/log.ts';
import { CameraTimes } from '../events/camera-times.ts';
import type { EventSettings } from '../events/event-settings.ts';
import type { AnswerFollower } from '../follow/answer-follower.ts';
import type { SettledAnswer } from '../store/feed.ts';
import type { Store } from '../store/store.ts';
import { type Moment, RuleEvaluator, type RuleTurn, type SubjectState } from './evaluator.ts';
import { siteFacts } from './site-facts.ts';

export type RulesOptions = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: EventSettings;
  /** Of the site. */
  readonly timeZone: string;
  /** The site as its page shows it. */
  readonly snapshot: () => Promise<SiteState>;
  /** Whether a camera answers about a region, or its entire picture; also where that is not known. */
  readonly answersAbout: (camera: string, region: string | undefined) => boolean;
  /** Something was raised or has ended. */
  readonly onChange: () => void;
};

/** A rule that counts. */
type Watched = { readonly revision: number; readonly evaluator: RuleEvaluator };

/** The state of the site, and when it was read. */
type Look = { readonly state: SiteState; readonly monotonicMs: number };

/** Nobody is told of pictures that are older. */
export const OLDEST_MS = 10 * 60_000;
/** How often the state of the site is read, and how old it may be. */
const LOOK_MS = 5000;
const OLDEST_LOOK_MS = 60_000;
/** How often it is stored for how long the backend has been running. */
const CLOCK_MS = 5000;
const SWEEP_MS = 60_000;
const RUNNING_MS = 'rules.running-ms';
const MAX_TITLE = 200;

/**
 * Follows answers, and the state of the site, with the rules of the store, and raises and ends alerts. How far each rule has come is stored together with the answers
 * that it has come by: a backend that is killed while something must last goes on counting after its restart, and raises nothing twice.
 */
export class Rules implements AnswerFollower {
  readonly name = 'rules';
  readonly #options: RulesOptions;
  readonly #times = new CameraTimes();
  /** Of answers that come after later ones, and what rules make of them; not stored. */
  readonly #lateTimes = new CameraTimes();
  readonly #past = new Map<number, RuleEvaluator>();
  #watched: Map<number, Watched> | null = null;
  /** What is stored, by number of the rule and subject. */
  readonly #saved = new Map<string, string>();
  #cameras: readonly string[] = [];
  #sweptMs = Number.NEGATIVE_INFINITY;
  #look: Look | null = null;
  #running = { ms: 0, monotonicMs: 0, savedMs: 0 };
  #hasTurned = false;

  constructor(options: RulesOptions) {
    this.#options = options;
  }

  /** Reads the state of the site again and again while there are rules, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, snapshot, log } = this.#options;
    while (!signal.aborted) {
      if (this.#watched !== null && this.#watched.size > 0) {
        try {
          this.#look = { state: await snapshot(), monotonicMs: clock.monotonic() };
        } catch (error) {
          log.warn({ err: error }, 'rules cannot see the state of the site; tried again');
        }
      }
      await clock.sleep(LOOK_MS, signal).catch(() => {});
    }
  }

  async take(inside: Store, batch: readonly SettledAnswer[], nowMs: number): Promise<void> {
    const watched = await this.#load(inside);
    if (watched.size === 0) return;
    const { clock, settings } = this.#options;
    for (const answer of batch) {
      const { camera, frameMs } = answer;
      const rules = [...watched.values()].filter(({ evaluator }) => evaluator.follows(camera));
      if (answer.withheld !== null || rules.length === 0 || this.#isOld(answer)) continue;
      const moment = this.#times.take(answer, clock.monotonic());
      if (moment === null) {
        await this.#late(inside, answer, rules, nowMs);
        continue;
      }
      const { atMs, sinceLastMs, setBackMs } = moment;
      for (const one of rules) {
        if (setBackMs > 0) one.evaluator.setBack(camera, setBackMs);
        if (sinceLastMs !== null && sinceLastMs > settings.silenceSeconds * 1000)
          one.evaluator.interrupted(camera);
        const turns = one.evaluator.answered(answer, this.#at(frameMs, atMs));
        await this.#tell(inside, one.evaluator.rule, turns, nowMs);
      }
    }
    await this.#save(inside, watched);
  }

  async tick(inside: Store, nowMs: number): Promise<void> {
    const watched = await this.#load(inside);
    await this.#changed(inside, watched, nowMs);
    if (watched.size === 0) return;
    const { clock, settings } = this.#options;
    if (clock.monotonic() - this.#sweptMs > SWEEP_MS) await this.#sweep(inside, watched, nowMs);
    const look = this.#look;
    const isSeen = look !== null && clock.monotonic() - look.monotonicMs < OLDEST_LOOK_MS;
    for (const { evaluator } of watched.values()) {
      const { rule } = evaluator;
      const { when } = rule;
      const turns: RuleTurn[] = [];
      const at = this.#at(nowMs, nowMs);
      if (when.kind === 'absence')
        turns.push(...evaluator.waited(when.cameras === 'all' ? this.#cameras : when.cameras, at));
      else if (when.kind === 'answer') {
        for (const camera of evaluator.cameras) {
          const pictureMs = this.#times.now(camera, clock.monotonic());
          const silentMs = this.#times.silence(camera, clock.monotonic()) ?? 0;
          if (silentMs > settings.silenceSeconds * 1000) evaluator.interrupted(camera);
          else if (pictureMs !== null) turns.push(...evaluator.passed(camera, { ...at, pictureMs }));
        }
      } else if (isSeen) turns.push(...evaluator.looked(siteFacts(when, look.state), at));
      await this.#tell(inside, rule, turns, nowMs);
    }
    await this.#save(inside, watched);
    await this.#saveRunning(inside);
  }

  reset(): void {
    this.#watched = null;
    this.#saved.clear();
    this.#times.clear();
    this.#lateTimes.clear();
    this.#past.clear();
    this.#sweptMs = Number.NEGATIVE_INFINITY;
    this.#hasTurned = false;
  }

  committed(): void {
    if (this.#hasTurned) this.#options.onChange();
    this.#hasTurned = false;
  }

  /** What was seen while a gateway was cut off is told when it comes, as something that is over. */
  async #late(inside: Store, answer: SettledAnswer, rules: readonly Watched[], nowMs: number): Promise<void> {
    const { clock, settings } = this.#options;
    const moment = this.#lateTimes.take(answer, clock.monotonic());
    if (moment === null) return;
    const { atMs, sinceLastMs } = moment;
    for (const { revision, evaluator } of rules) {
      const { rule } = evaluator;
      if (rule.when.kind !== 'answer') continue;
      const past = this.#past.get(revision) ?? this.#evaluator(rule);
      this.#past.set(revision, past);
      if (sinceLastMs !== null && sinceLastMs > settings.silenceSeconds * 1000)
        past.interrupted(answer.camera);
      const turns = past.answered(answer, { wallMs: answer.frameMs, pictureMs: atMs, runningMs: atMs });
      const news = turns.filter(({ turn, subject }) => {
        const raisedMs = evaluator.raisedMs(subject);
        const isTold = raisedMs !== null && this.#runningMs() - raisedMs < evaluator.timing.coolDownMs;
        return turn === 'raise' && !isTold;
      });
      await this.#tell(inside, rule, news, nowMs, answer.frameMs);
    }
  }

  /** A gateway whose clock is behind takes pictures that only seem old. */
  #isOld({ gateway, frameMs, storedMs }: SettledAnswer): boolean {
    const { clockOffsetMs } = this.#look?.state.gateways.find(({ name }) => name === gateway) ?? {};
    return storedMs - frameMs + Math.min(0, clockOffsetMs ?? 0) > OLDEST_MS;
  }

  #at(wallMs: number, pictureMs: number): Moment {
    return { wallMs, pictureMs, runningMs: this.#runningMs() };
  }

  #runningMs(): number {
    return this.#running.ms + (this.#options.clock.monotonic() - this.#running.monotonicMs);
  }

  async #load(inside: Store): Promise<Map<number, Watched>> {
    if (this.#watched !== null) return this.#watched;
    const { clock } = this.#options;
    const monotonicMs = clock.monotonic();
    const ms = Number((await inside.settings.get(RUNNING_MS)) ?? 0);
    this.#running = { ms, monotonicMs, savedMs: ms };
    const watched = new Map<number, Watched>();
    for (const { rule, revision } of await inside.rules.enabled())
      watched.set(revision, { revision, evaluator: this.#evaluator(rule) });
    for (const { revision, subject, state } of await inside.rules.progress()) {
      const evaluator = watched.get(revision)?.evaluator;
      if (evaluator === undefined) continue;
      const known = later(evaluator, state as SubjectState);
      evaluator.restore(subject, known);
      this.#saved.set(`${revision}/${subject}`, signature(evaluator, known));
      if (evaluator.rule.when.kind === 'answer')
        this.#times.expect(known.subject.name, known.alarm.level.atMs, monotonicMs);
    }
    this.#watched = watched;
    return watched;
  }

  #evaluator(rule: Rule): RuleEvaluator {
    const { timeZone, settings } = this.#options;
    return new RuleEvaluator(rule, { timeZone, endMs: settings.endSeconds * 1000 });
  }

  /** Rules are changed by other processes too. What a rule raised that is gone, off or another one now has ended. */
  async #changed(inside: Store, watched: Map<number, Watched>, nowMs: number): Promise<void> {
    const wanted = new Map((await inside.rules.enabled()).map((record) => [record.revision, record]));
    for (const { rule, revision, subject } of await this.#orphans(inside, watched, wanted)) {
      await inside.alerts.endAllOf(rule, Math.round(nowMs));
      await inside.rules.removeProgress(revision, subject);
      this.#saved.delete(`${revision}/${subject}`);
      this.#hasTurned = true;
    }
    for (const revision of watched.keys()) if (!wanted.has(revision)) watched.delete(revision);
    for (const revision of this.#past.keys()) if (!wanted.has(revision)) this.#past.delete(revision);
    for (const { rule, revision } of wanted.values())
      if (!watched.has(revision)) watched.set(revision, { revision, evaluator: this.#evaluator(rule) });
  }

  /** What is stored of rules that do not count any more; read only where a rule went, or for the first time. */
  async #orphans(inside: Store, watched: Map<number, Watched>, wanted: ReadonlyMap<number, unknown>) {
    const isNew = this.#sweptMs === Number.NEGATIVE_INFINITY;
    if (!isNew && [...watched.keys()].every((revision) => wanted.has(revision))) return [];
    return (await inside.rules.progress()).filter(({ revision }) => !wanted.has(revision));
  }

  /** Cameras come and go, and so do the regions of their pictures. */
  async #sweep(inside: Store, watched: Map<number, Watched>, nowMs: number): Promise<void> {
    const { clock, answersAbout } = this.#options;
    this.#sweptMs = clock.monotonic();
    this.#cameras = (await inside.cameras.list()).map(({ camera }) => camera);
    for (const { evaluator } of watched.values()) {
      const { rule } = evaluator;
      if (rule.when.kind !== 'answer' && !(rule.when.kind === 'absence' && rule.when.cameras === 'all'))
        continue;
      for (const camera of evaluator.cameras) {
        const isThere = this.#cameras.includes(camera);
        const isGone = (region?: string) =>
          !isThere || (rule.when.kind === 'answer' && !answersAbout(camera, region));
        await this.#tell(inside, rule, evaluator.gone(camera, isGone), nowMs);
      }
    }
  }

  /** @param lateMs when it was seen, where that is over */
  async #tell(
    inside: Store,
    rule: Rule,
    turns: readonly RuleTurn[],
    nowMs: number,
    lateMs?: number,
  ): Promise<void> {
    const atMs = Math.round(nowMs);
    for (const { turn, subject, finding, untold } of turns) {
      this.#hasTurned = true;
      if (turn === 'end') {
        await inside.alerts.end(rule.name, subject, atMs);
        continue;
      }
      const { name, severity, notify, when } = rule;
      const schedule = rule.schedule === undefined ? '' : `, ${scheduleWords(rule)}`;
      const again = untold === 0 ? '' : ` It began ${untold} more times since, within the cool-down.`;
      const late =
        lateMs === undefined ? '' : ` It was seen at ${new Date(lateMs).toISOString()}, and is told late.`;
      const { began } = await inside.alerts.raise({
        ...{ rule: name, severity, subject, notify, atMs },
        title: oneLine(`${subjectWords(subject)}: ${finding}`).slice(0, MAX_TITLE),
        message: `Rule ${name}: ${conditionWords(when)}${schedule}.${again}${late}`,
      });
      if (lateMs !== undefined && began) await inside.alerts.end(name, subject, atMs);
    }
  }

  async #save(inside: Store, watched: Map<number, Watched>): Promise<void> {
    for (const { revision, evaluator } of watched.values()) {
      for (const subject of evaluator.touched()) {
        const key = `${revision}/${subject}`;
        const state = evaluator.subjects.get(subject);
        if (state === undefined) {
          this.#saved.delete(key);
          await inside.rules.removeProgress(revision, subject);
          continue;
        }
        const text = signature(evaluator, state);
        if (this.#saved.get(key) === text) continue;
        this.#saved.set(key, text);
        await inside.rules.putProgress({ rule: evaluator.rule.name, revision, subject, state });
      }
    }
  }

  async #saveRunning(inside: Store): Promise<void> {
    const ms = this.#runningMs();
    if (ms - this.#running.savedMs < CLOCK_MS) return;
    this.#running.savedMs = ms;
    await inside.settings.set(RUNNING_MS, String(Math.round(ms)));
  }
}

/** Labels are whatever the maker of a network named them, and what is wrong with a camera is what its gateway says. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** Each answer puts off what tells that none came: it is stored only where that makes a tenth of the time that must pass. */
const grainOf = ({ rule, timing }: RuleEvaluator): number =>
  rule.when.kind === 'absence' ? Math.max(1, timing.beginMs / 10) : 1;

/** Changes with what must be stored. */
function signature(evaluator: RuleEvaluator, { alarm, found, mark }: SubjectState): string {
  const grain = grainOf(evaluator);
  const { up, down, level, value, sinceMs } = alarm.level;
  const since = (ms: number | undefined) => (ms === undefined ? null : Math.floor(ms / grain));
  return JSON.stringify([
    ...[level, value, since(up?.sinceMs), up?.breakMs, since(down?.sinceMs)],
    ...[level > 0 ? since(sinceMs) : null, alarm.isRaised, alarm.raisedMs, alarm.untold, found, mark],
  ]);
}

/** What was stored may be older by the grain: rather tell late than for nothing. */
function later(evaluator: RuleEvaluator, state: SubjectState): SubjectState {
  const { up } = state.alarm.level;
  if (evaluator.rule.when.kind !== 'absence' || up === null || state.alarm.level.level > 0) return state;
  const moved = { ...up, sinceMs: up.sinceMs + grainOf(evaluator) };
  return { ...state, alarm: { ...state.alarm, level: { ...state.alarm.level, up: moved } } };
}
