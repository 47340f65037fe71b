import type { Situation } from '#protocol/situation.ts';
import type { Seen } from '../store/recorded-events.ts';
import type { SituationKey } from '../store/situations.ts';
import type { EventSettings } from './event-settings.ts';
import { type Damping, holdLevel, type Level, moveLevel, setLevel, zeroLevel } from './level.ts';
import type { LocalTime } from './local-time.ts';
import type { Observation } from './observations.ts';

/** Regions × zones × labels of one camera: a network with a thousand labels, or a gateway that invents regions, must not fill memory and page. */
export const MAX_SUBJECTS = 256;

type SubjectOptions = {
  readonly key: SituationKey;
  readonly model: string;
  readonly isCounted: boolean;
  readonly atMs: number;
  readonly settings: EventSettings;
  readonly localTime: LocalTime;
};

/** What is stored of a subject. */
type State = {
  readonly model: string;
  readonly isCounted: boolean;
  readonly level: Level;
  readonly isSilent: boolean;
  readonly seen: Seen;
  /** Its event while it is present; without a number where more happened than is kept. */
  readonly event: { readonly id: number | null; readonly startMs: number } | null;
  readonly date: string;
  readonly visits: number;
  readonly entries: number;
  /** Sum of the times that each of them was there today. */
  readonly stayedMs: number;
};

/** One label in one place at one camera: whether it is there, since when, and what of today. */
export class Subject {
  readonly key: SituationKey;
  readonly #localTime: LocalTime;
  readonly #damping: Damping;
  /** No value holds for longer. */
  readonly #silenceMs: number;
  #state: State;
  #saved = '';
  #savedMs = Number.NEGATIVE_INFINITY;

  constructor({ key, model, isCounted, atMs, settings, localTime }: SubjectOptions, state?: State) {
    this.key = key;
    this.#localTime = localTime;
    this.#damping = { beginMs: settings.beginSeconds * 1000, endMs: settings.endSeconds * 1000 };
    this.#silenceMs = settings.silenceSeconds * 1000;
    this.#state = state ?? {
      ...{ model, isCounted, level: zeroLevel(atMs), isSilent: false, event: null },
      ...{
        seen: { peak: null, answers: 0 },
        date: localTime.at(atMs).date,
        visits: 0,
        entries: 0,
        stayedMs: 0,
      },
    };
  }

  /** Back from what {@link write} gave. */
  static read(
    key: SituationKey,
    state: unknown,
    options: { readonly settings: EventSettings; readonly localTime: LocalTime },
  ): Subject {
    const known = state as State;
    return new Subject({ key, model: known.model, isCounted: known.isCounted, atMs: 0, ...options }, known);
  }

  get model(): string {
    return this.#state.model;
  }

  get isPresent(): boolean {
    return this.#state.level.level > 0;
  }

  get isSilent(): boolean {
    return this.#state.isSilent;
  }

  /** Since when it is there or not. */
  get sinceMs(): number {
    return this.#state.level.sinceMs;
  }

  /** How far its time has come. */
  get atMs(): number {
    return this.#state.level.atMs;
  }

  get event(): State['event'] {
    return this.#state.event;
  }

  set event(event: State['event']) {
    this.#state = { ...this.#state, event };
  }

  get seen(): Seen {
    return this.#state.seen;
  }

  /** Time passes. @returns whether that is news. */
  hold(atMs: number): boolean {
    if (this.isSilent) return false;
    return this.#move(holdLevel(this.#state.level, atMs, this.#damping));
  }

  /** What an answer of `model` says; null: nothing, so it is not there. Call {@link hold} before. @returns whether that is news. */
  see(atMs: number, observation: Pick<Observation, 'count' | 'probability'> | null, model: string): boolean {
    const { count, probability } = observation ?? { count: 0, probability: null };
    const { isCounted, isSilent, level, seen } = this.#state;
    const before = isSilent ? zeroLevel(atMs) : level;
    const isFresh = before.level === 0 && before.up === null;
    const peak = isCounted ? count : probability;
    const so = isFresh ? { peak: null, answers: 0 } : seen;
    this.#state = {
      ...this.#state,
      ...{ model, isSilent: false },
      seen: count > 0 ? { peak: most(so.peak, peak), answers: so.answers + 1 } : so,
    };
    return this.#move(setLevel(before, count, atMs, this.#damping), before) || isSilent;
  }

  /** It is not known any more what is there. */
  silence(sinceMs: number): void {
    this.#state = { ...this.#state, isSilent: true, level: zeroLevel(sinceMs) };
  }

  /** Its clock was set back. */
  setBack(byMs: number): void {
    const { level, event } = this.#state;
    this.#state = {
      ...this.#state,
      level: moveLevel(level, -byMs),
      event: event && { ...event, startMs: event.startMs - byMs },
    };
  }

  /** @returns whether another day has begun, and so the numbers of today did. */
  isNewDay(atMs: number): boolean {
    const { date } = this.#localTime.at(atMs);
    const before = this.#state.date;
    if (date === before) return false;
    this.#state = { ...this.#state, date };
    // A day that was has been counted: a clock was set back.
    if (date < before) return false;
    const { level } = this.#state.level;
    this.#state = { ...this.#state, visits: level > 0 ? 1 : 0, entries: level, stayedMs: 0 };
    return true;
  }

  view(): Situation {
    const { isCounted, level, isSilent, visits, entries, stayedMs } = this.#state;
    const { camera, region, zone, label } = this.key;
    return {
      camera,
      ...(region !== '' && { region }),
      ...(zone !== '' && { zone }),
      label,
      present: isSilent ? null : level.level > 0,
      ...(isCounted && { count: level.level }),
      since: new Date(Math.round(level.sinceMs)).toISOString(),
      visitsToday: visits,
      ...(isCounted && { entriesToday: entries }),
      ...(isCounted && entries > 0 && { dwellSeconds: Math.round(stayedMs / entries / 100) / 10 }),
    };
  }

  /** Whether something else than sums has changed since it was stored, or sums have for long enough. */
  mustBeSaved(nowMs: number, everyMs: number): boolean {
    if (this.#signature() !== this.#saved) return true;
    return this.isPresent && nowMs - this.#savedMs >= everyMs;
  }

  /** What is stored now, see {@link read}. */
  write(nowMs: number): unknown {
    this.#saved = this.#signature();
    this.#savedMs = nowMs;
    return this.#state;
  }

  #signature(): string {
    const { level, seen, stayedMs, ...rest } = this.#state;
    const { atMs, value, ...shape } = level;
    return JSON.stringify([shape, rest]);
  }

  #move(level: Level, before = this.#state.level): boolean {
    this.isNewDay(level.atMs);
    const stayedMs = before.level * Math.min(this.#silenceMs, level.atMs - before.atMs);
    const came = Math.max(0, level.level - before.level);
    this.#state = {
      ...this.#state,
      level,
      visits: this.#state.visits + (before.level === 0 && level.level > 0 ? 1 : 0),
      entries: this.#state.entries + came,
      stayedMs: this.#state.stayedMs + stayedMs,
    };
    return level.level !== before.level;
  }
}

function most(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}
