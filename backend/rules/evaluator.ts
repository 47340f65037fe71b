import type { AlertSubject } from '#protocol/alert.ts';
import type { Rule } from '#protocol/rule.ts';
import { moveLevel } from '../events/level.ts';
import { LocalTime } from '../events/local-time.ts';
import type { SettledAnswer } from '../store/feed.ts';
import {
  type Alarm,
  type AlarmTiming,
  type AlarmTurn,
  breakAlarm,
  findAlarm,
  holdAlarm,
  quietAlarm,
} from './alarm.ts';
import { matchAnswer, shows } from './match-answer.ts';
import { inSchedule } from './schedule.ts';
import type { Fact } from './site-facts.ts';

/** One moment in the three times that rules go by. */
export type Moment = {
  /** Of the calendar, ms since the epoch: for schedules. */
  readonly wallMs: number;
  /** In which this backend was running, ms: it neither jumps nor passes while nobody looks. */
  readonly runningMs: number;
  /** Of the pictures of the camera at hand, ms since the epoch: how long what they show has lasted. */
  readonly pictureMs: number;
};

/** What is to be told. */
export type RuleTurn = {
  readonly turn: AlarmTurn;
  readonly subject: AlertSubject;
  /** In words. */
  readonly finding: string;
  /** How often it began since it was told last, and was not told because of the cool-down. */
  readonly untold: number;
};

/** What is known about one subject; stored as it is. */
export type SubjectState = {
  readonly subject: AlertSubject;
  readonly alarm: Alarm;
  /** Whether the condition was found to hold last, also outside of the schedule. */
  readonly found: boolean;
  readonly finding: string;
  /** Of drops: how many there were when the present span began. */
  readonly mark?: { readonly amount: number; readonly runningMs: number };
};

export type EvaluatorOptions = {
  /** Default of schedules. */
  readonly timeZone: string;
  /** How long what was shown must be gone. */
  readonly endMs: number;
};

/** Breaks that do not matter are a tenth of the time that the condition must hold, and no longer than this. */
const MAX_GRACE_MS = 10_000;

/**
 * One rule over time: it is told what answers say and how the site is, and says what is to be raised and ended. It knows no clock and no store, so the past can be
 * replayed through it.
 */
export class RuleEvaluator {
  readonly rule: Rule;
  readonly timing: AlarmTiming;
  readonly #localTime: LocalTime;
  readonly #subjects = new Map<string, SubjectState>();
  /** Keys of subjects, by their camera. */
  readonly #ofCameras = new Map<string, Set<string>>();
  readonly #touched = new Set<string>();

  constructor(rule: Rule, { timeZone, endMs }: EvaluatorOptions) {
    this.rule = rule;
    this.#localTime = new LocalTime(rule.schedule?.timeZone ?? timeZone);
    const { when } = rule;
    const beginMs = 'forSeconds' in when ? when.forSeconds * 1000 : 0;
    const isShown = when.kind === 'answer';
    this.timing = {
      beginMs,
      endMs: isShown ? endMs : 0,
      graceMs: isShown ? Math.min(MAX_GRACE_MS, beginMs / 10) : 0,
      coolDownMs: rule.coolDownSeconds * 1000,
    };
  }

  get subjects(): ReadonlyMap<string, SubjectState> {
    return this.#subjects;
  }

  /** Cameras that it knows something about. */
  get cameras(): string[] {
    return [...this.#ofCameras.keys()];
  }

  /** When it was raised last about a subject, in running time; null if it never was. */
  raisedMs(subject: AlertSubject): number | null {
    return this.#subjects.get(keyOf(subject))?.alarm.raisedMs ?? null;
  }

  /** Goes on from what was stored. */
  restore(key: string, state: SubjectState): void {
    this.#put(state, key);
    this.#touched.delete(key);
  }

  /** Subjects of which something was found, or that are gone, since the last call. */
  touched(): string[] {
    const touched = [...this.#touched];
    this.#touched.clear();
    return touched;
  }

  /** Whether the rule is about the answers of a camera. */
  follows(camera: string): boolean {
    const { when } = this.rule;
    if (when.kind !== 'answer' && when.kind !== 'absence') return false;
    return when.cameras === 'all' || when.cameras.includes(camera);
  }

  /** An answer of a camera that the rule follows. */
  answered({ camera, results }: Pick<SettledAnswer, 'camera' | 'results'>, at: Moment): RuleTurn[] {
    const { when } = this.rule;
    if (when.kind === 'absence') {
      const { label } = when;
      const subject: AlertSubject = { kind: 'camera', name: camera };
      const known = this.#subjects.get(keyOf(subject));
      const isShown =
        label === undefined ||
        // Nothing new was told, so what was told last holds.
        (results.length === 0 ? known?.found === false : results.some((result) => shows(result, label)));
      return this.#step(subject, !isShown, { finding: `no ${label ?? 'answer'}` }, at, isShown);
    }
    if (when.kind !== 'answer') return [];
    if (results.length === 0) return this.passed(camera, at);
    return results.flatMap((result) => {
      const match = matchAnswer(when, result);
      if (match === null) return [];
      const { region } = result;
      const subject: AlertSubject = {
        ...{ kind: 'camera', name: camera },
        ...(region !== undefined && { region }),
        ...(when.zone !== undefined && { zone: when.zone }),
      };
      return this.#step(subject, match.holds, match, at);
    });
  }

  /** Time passes at a camera, and what its answers said holds. */
  passed(camera: string, at: Moment): RuleTurn[] {
    return this.#ofCamera(camera).flatMap(({ subject, found, finding }) =>
      this.#step(subject, found, { finding }, at),
    );
  }

  /** Time passes at cameras of which the rule is to tell that nothing is seen. */
  waited(cameras: readonly string[], at: Moment): RuleTurn[] {
    const { when } = this.rule;
    if (when.kind !== 'absence') return [];
    const finding = `no ${when.label ?? 'answer'}`;
    return cameras.flatMap((name) => {
      const subject: AlertSubject = { kind: 'camera', name };
      const { found = true } = this.#subjects.get(keyOf(subject)) ?? {};
      return this.#step(subject, found, { finding }, at);
    });
  }

  /** How the site is. */
  looked(facts: readonly Fact[], at: Moment): RuleTurn[] {
    const known = new Set(facts.map(({ subject }) => keyOf(subject)));
    const gone = [...this.#subjects.values()]
      .filter(({ subject }) => !known.has(keyOf(subject)))
      .flatMap(({ subject, finding }) => this.#step(subject, false, { finding }, at));
    return [...gone, ...facts.flatMap((fact) => this.#look(fact, at))];
  }

  /** It is not known what happened at a camera meanwhile. */
  interrupted(camera: string): void {
    if (this.rule.when.kind !== 'answer') return;
    for (const state of this.#ofCamera(camera)) this.#put({ ...state, alarm: breakAlarm(state.alarm) });
  }

  /** The clock of a camera was set back. */
  setBack(camera: string, byMs: number): void {
    if (this.rule.when.kind !== 'answer') return;
    for (const state of this.#ofCamera(camera))
      this.#put({ ...state, alarm: { ...state.alarm, level: moveLevel(state.alarm.level, -byMs) } });
  }

  /** A camera is gone, or regions of its picture are. */
  gone(camera: string, isGone: (region: string | undefined) => boolean = () => true): RuleTurn[] {
    const keys = this.#ofCameras.get(camera);
    const subjects = this.#ofCamera(camera).filter(({ subject }) => isGone(subject.region));
    return subjects.flatMap(({ subject, alarm, finding }) => {
      const key = keyOf(subject);
      keys?.delete(key);
      if (keys?.size === 0) this.#ofCameras.delete(camera);
      this.#subjects.delete(key);
      this.#touched.add(key);
      return alarm.isRaised ? [{ turn: 'end' as const, subject, finding, untold: alarm.untold }] : [];
    });
  }

  #look({ subject, holds, finding, amount }: Fact, at: Moment): RuleTurn[] {
    const { when } = this.rule;
    const known = this.#subjects.get(keyOf(subject));
    if (holds === null) return [];
    if (when.kind !== 'drops' || amount === undefined) return this.#step(subject, holds, { finding }, at);
    let { mark = { amount, runningMs: at.runningMs } } = known ?? {};
    // It counts from its start.
    if (amount < mark.amount) mark = { ...mark, amount: 0 };
    const lost = amount - mark.amount;
    const isOver = at.runningMs - mark.runningMs > when.withinMinutes * 60_000;
    if (isOver) mark = { amount, runningMs: at.runningMs };
    return this.#step(subject, lost >= when.atLeast, { finding: `${lost} answers lost`, mark }, at);
  }

  /** @param isBegun what holds begins at this moment, and did not hold before */
  #step(
    subject: AlertSubject,
    found: boolean,
    told: Pick<SubjectState, 'finding' | 'mark'>,
    at: Moment,
    isBegun = false,
  ): RuleTurn[] {
    const { schedule, when } = this.rule;
    const counts = schedule === undefined || inSchedule(schedule, this.#localTime.at(at.wallMs));
    const atMs = when.kind === 'answer' ? at.pictureMs : at.runningMs;
    // Nothing is seen from one answer to the next, whatever it shows.
    const holds = (found || when.kind === 'absence') && counts;
    const known = this.#subjects.get(keyOf(subject));
    const before = known?.alarm ?? quietAlarm(atMs);
    const turns: AlarmTurn[] = [];
    const take = ({ alarm, turn }: { readonly alarm: Alarm; readonly turn: AlarmTurn | null }) => {
      if (turn !== null) turns.push(turn);
      return alarm;
    };
    let alarm = take(holdAlarm(before, atMs, at.runningMs, this.timing));
    if (isBegun) alarm = take(findAlarm(alarm, false, atMs, at.runningMs, this.timing));
    alarm = take(findAlarm(alarm, holds, atMs, at.runningMs, this.timing));
    this.#put({ subject, alarm, found, ...told });
    return turns.map((turn) => ({ turn, subject, finding: told.finding, untold: before.untold }));
  }

  #ofCamera(camera: string): SubjectState[] {
    return [...(this.#ofCameras.get(camera) ?? [])].map((key) => this.#subjects.get(key)!);
  }

  #put(state: SubjectState, key = keyOf(state.subject)): void {
    const { kind, name } = state.subject;
    if (kind === 'camera' && !this.#subjects.has(key)) {
      const keys = this.#ofCameras.get(name) ?? new Set();
      this.#ofCameras.set(name, keys.add(key));
    }
    this.#subjects.set(key, state);
    this.#touched.add(key);
  }
}

/** No two subjects of a rule share one: names have no slashes. */
function keyOf({ kind, name, region = '', zone = '' }: AlertSubject): string {
  return [kind, name, region, zone].join('/');
}
