import type { Situation } from '#protocol/situation.ts';
import type { Clock } from '#runtime/clock.ts';
import type { AnswerFollower } from '../follow/answer-follower.ts';
import type { SettledAnswer } from '../store/feed.ts';
import type { EventChange } from '../store/recorded-events.ts';
import type { SituationKey } from '../store/situations.ts';
import type { Store } from '../store/store.ts';
import { CameraTimes } from './camera-times.ts';
import { EventHours } from './event-hours.ts';
import type { EventSettings } from './event-settings.ts';
import { LateEvents } from './late-events.ts';
import type { LocalTime } from './local-time.ts';
import { tellingByPlace } from './observations.ts';
import { placeOf } from './place-of.ts';
import { MAX_SUBJECTS, Subject } from './subject.ts';

export type SituationsOptions = {
  readonly clock: Clock;
  readonly settings: EventSettings;
  /** Of the site. */
  readonly localTime: LocalTime;
  /** Whether a camera answers about a region, or its entire picture; also where that is not known. */
  readonly answersAbout: (camera: string, region: string | undefined) => boolean;
  readonly onChange: () => void;
};

/** Numbers that only grow are stored this often while nothing else changes. */
const SAVE_MS = 30_000;
/** How often it is looked whether cameras are gone. */
const SWEEP_MS = 60_000;
const DAY_MS = 86_400_000;

type Subjects = Map<string, Subject>;

/**
 * Follows answers to what is there now, and since when, and keeps what was there for a while as events. What it knows is stored with the answers that it knows it
 * from, so a backend that is killed goes on where it was; only numbers of answers may lack those of the last half minute.
 */
export class Situations implements AnswerFollower {
  readonly name = 'events';
  readonly #options: SituationsOptions;
  readonly #times = new CameraTimes();
  readonly #hours = new EventHours();
  readonly #late: LateEvents;
  #cameras: Map<string, Subjects> | null = null;
  /** Of cameras about which something is not stored yet; which is new to others. */
  readonly #touched = new Set<string>();
  readonly #news = new Set<string>();
  #shown = new Map<string, readonly Situation[]>();
  #sweptMs = Number.NEGATIVE_INFINITY;

  constructor(options: SituationsOptions) {
    this.#options = options;
    this.#late = new LateEvents({ ...options, hours: this.#hours });
  }

  /** What is there now at a camera, by region, zone and label. */
  of(camera: string): readonly Situation[] {
    return this.#shown.get(camera) ?? [];
  }

  async take(inside: Store, batch: readonly SettledAnswer[], nowMs: number): Promise<void> {
    const cameras = await this.#load(inside);
    for (const answer of batch) {
      if (answer.withheld !== null) continue;
      const moment = this.#times.take(answer, this.#monotonic());
      if (moment === null) {
        await this.#late.take(inside, answer, nowMs, this.#monotonic());
        continue;
      }
      const subjects = cameras.get(answer.camera) ?? new Map<string, Subject>();
      cameras.set(answer.camera, subjects);
      this.#touched.add(answer.camera);
      const { atMs, sinceLastMs, setBackMs } = moment;
      for (const subject of subjects.values()) {
        if (setBackMs > 0) subject.setBack(setBackMs);
        // After a start: what is present was stored that long ago at most.
        const unknownMs = sinceLastMs ?? atMs - subject.atMs - SAVE_MS;
        if (unknownMs > this.#silenceMs && (sinceLastMs !== null || subject.isPresent))
          await this.#silent(inside, subject, sinceLastMs === null ? subject.atMs : atMs - sinceLastMs);
      }
      await this.#answered(inside, subjects, answer, atMs, nowMs);
    }
    await this.#save(inside);
  }

  async tick(inside: Store, nowMs: number): Promise<void> {
    const cameras = await this.#load(inside);
    await this.#hours.tick(inside, nowMs);
    await this.#late.tick(inside, nowMs, this.#monotonic());
    for (const [camera, subjects] of cameras) {
      const silenceMs = this.#times.silence(camera, this.#monotonic()) ?? Number.POSITIVE_INFINITY;
      const atMs = this.#times.now(camera, this.#monotonic());
      for (const subject of subjects.values()) {
        if (silenceMs > this.#silenceMs)
          await this.#silent(inside, subject, this.#times.newest(camera) ?? subject.atMs);
        else if (atMs !== null) await this.#step(inside, subject, nowMs, () => subject.hold(atMs));
        if (subject.isNewDay(silenceMs > this.#silenceMs ? nowMs : (atMs ?? nowMs))) this.#news.add(camera);
      }
      this.#touched.add(camera);
    }
    if (this.#monotonic() - this.#sweptMs > SWEEP_MS) await this.#sweep(inside, cameras, nowMs);
    await this.#save(inside);
  }

  reset(): void {
    this.#cameras = null;
    this.#times.clear();
    this.#hours.reset();
    this.#late.reset();
    this.#touched.clear();
    this.#news.clear();
  }

  committed(): void {
    if (this.#news.size === 0) return;
    for (const camera of this.#news) {
      const subjects = this.#cameras?.get(camera);
      if (subjects === undefined) this.#shown.delete(camera);
      else this.#shown.set(camera, [...subjects.values()].map((subject) => subject.view()).sort(byPlace));
    }
    this.#news.clear();
    this.#options.onChange();
  }

  get #silenceMs(): number {
    return this.#options.settings.silenceSeconds * 1000;
  }

  #monotonic(): number {
    return this.#options.clock.monotonic();
  }

  async #load(inside: Store): Promise<Map<string, Subjects>> {
    if (this.#cameras !== null) return this.#cameras;
    const cameras = new Map<string, Subjects>();
    for (const { state, ...key } of await inside.situations.all()) {
      const subjects = cameras.get(key.camera) ?? new Map<string, Subject>();
      cameras.set(key.camera, subjects);
      const subject = Subject.read(key, state, this.#options);
      subjects.set(placeOf(key), subject);
      this.#times.expect(key.camera, subject.atMs, this.#monotonic());
      this.#news.add(key.camera);
    }
    await this.#hours.load(inside);
    this.#cameras = cameras;
    return cameras;
  }

  async #answered(
    inside: Store,
    subjects: Subjects,
    answer: SettledAnswer,
    atMs: number,
    nowMs: number,
  ): Promise<void> {
    const { camera, results } = answer;
    // An answer that tells nothing new: all is as it was.
    if (results.length === 0)
      for (const subject of subjects.values())
        await this.#step(inside, subject, nowMs, () => subject.hold(atMs));
    for (const result of results) {
      const { region = '' } = result;
      const told = tellingByPlace(result);
      for (const [place, { zone, label, count }] of told) {
        if (subjects.has(place) || (subjects.size >= MAX_SUBJECTS && count === 0)) continue;
        const key = { camera, region, zone, label };
        const isCounted = result.counts !== undefined;
        subjects.set(place, new Subject({ key, model: result.model, isCounted, atMs, ...this.#options }));
        this.#news.add(camera);
      }
      for (const [place, subject] of subjects) {
        if (subject.key.region !== region) continue;
        const one = told.get(place);
        await this.#step(inside, subject, nowMs, () => subject.hold(atMs));
        if (one === undefined && subject.model !== result.model)
          await this.#forget(inside, subjects, subject, atMs);
        else await this.#step(inside, subject, nowMs, () => subject.see(atMs, one ?? null, result.model));
      }
    }
    await this.#bound(inside, subjects, atMs);
  }

  /** One change of a subject, and what comes of it for its event. */
  async #step(inside: Store, subject: Subject, nowMs: number, change: () => boolean): Promise<void> {
    const { camera } = subject.key;
    if (change()) this.#news.add(camera);
    if (!subject.isPresent) return this.#endEvent(inside, subject, subject.sinceMs);
    if (subject.event !== null) return;
    const startMs = subject.sinceMs;
    const isKept = await this.#hours.add(inside, camera, nowMs);
    const id = isKept
      ? await inside.recordedEvents.begin(subject.key, subject.model, startMs, subject.seen)
      : null;
    subject.event = { id, startMs };
  }

  async #endEvent(inside: Store, subject: Subject, endMs: number): Promise<void> {
    const { event, seen } = subject;
    if (event === null) return;
    subject.event = null;
    if (event.id !== null) await inside.recordedEvents.update(event.id, event.startMs, endMs, seen);
  }

  async #silent(inside: Store, subject: Subject, lastMs: number): Promise<void> {
    if (subject.isSilent) return;
    await this.#endEvent(inside, subject, lastMs);
    subject.silence(lastMs);
    this.#news.add(subject.key.camera);
  }

  async #forget(inside: Store, subjects: Subjects, subject: Subject, atMs: number): Promise<void> {
    await this.#endEvent(inside, subject, atMs);
    subjects.delete(placeOf(subject.key));
    await inside.situations.remove(subject.key);
    this.#news.add(subject.key.camera);
  }

  /** Where a camera has too many subjects, those that are gone for longest give way. */
  async #bound(inside: Store, subjects: Subjects, atMs: number): Promise<void> {
    if (subjects.size <= MAX_SUBJECTS) return;
    const gone = [...subjects.values()].sort(
      (a, b) => Number(a.isPresent) - Number(b.isPresent) || a.sinceMs - b.sinceMs,
    );
    for (const subject of gone.slice(0, subjects.size - MAX_SUBJECTS))
      await this.#forget(inside, subjects, subject, atMs);
  }

  /** Forgets what is about cameras that no gateway has any more, or about regions that are none any more; and events that are too old. */
  async #sweep(inside: Store, cameras: Map<string, Subjects>, nowMs: number): Promise<void> {
    this.#sweptMs = this.#monotonic();
    await inside.recordedEvents.removeBefore(nowMs - this.#options.settings.days * DAY_MS);
    const known = new Set((await inside.cameras.list()).map(({ camera }) => camera));
    for (const [camera, subjects] of cameras) {
      const isThere = known.has(camera);
      for (const subject of [...subjects.values()]) {
        const { region } = subject.key;
        const stays = isThere && this.#options.answersAbout(camera, region === '' ? undefined : region);
        if (!stays) await this.#forget(inside, subjects, subject, subject.atMs);
      }
      if (isThere) continue;
      cameras.delete(camera);
      this.#times.forget(camera);
    }
  }

  async #save(inside: Store): Promise<void> {
    const states: [SituationKey, unknown][] = [];
    const events: EventChange[] = [];
    for (const camera of this.#touched) {
      for (const subject of this.#cameras?.get(camera)?.values() ?? []) {
        if (!subject.mustBeSaved(this.#monotonic(), SAVE_MS)) continue;
        states.push([subject.key, subject.write(this.#monotonic())]);
        const { event, seen } = subject;
        if (event !== null && event.id !== null)
          events.push({ id: event.id, startMs: event.startMs, endMs: null, ...seen });
      }
    }
    await inside.situations.put(states);
    await inside.recordedEvents.updateAll(events);
    this.#touched.clear();
  }
}

/** Unique within a camera; names have no slash. */
function byPlace(a: Situation, b: Situation): number {
  const text = ({ region = '', zone = '', label }: Situation) => placeOf({ region, zone, label });
  return text(a) < text(b) ? -1 : 1;
}
