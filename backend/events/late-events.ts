import type { SettledAnswer } from '../store/feed.ts';
import type { Store } from '../store/store.ts';
import { CameraTimes } from './camera-times.ts';
import type { EventHours } from './event-hours.ts';
import type { EventSettings } from './event-settings.ts';
import type { LocalTime } from './local-time.ts';
import { tellingByPlace } from './observations.ts';
import { MAX_SUBJECTS, Subject } from './subject.ts';

export type LateEventsOptions = {
  readonly settings: EventSettings;
  readonly localTime: LocalTime;
  readonly hours: EventHours;
};

/** When no late answer of a camera has come for so long, no more are on their way. */
const QUIET_MS = 10_000;

type Subjects = Map<string, Subject>;

/**
 * Events of the past: what answers show that come after later ones, because they waited while their gateway was cut off. It is stored when it is complete, and only where
 * nothing is known of that time; until then it is in memory, so a backend that is killed meanwhile may lack some of it.
 */
export class LateEvents {
  readonly #options: LateEventsOptions;
  readonly #times = new CameraTimes();
  readonly #cameras = new Map<string, Subjects>();

  constructor(options: LateEventsOptions) {
    this.#options = options;
  }

  /** Takes an answer that came late; those that are late even among these are left out. */
  async take(inside: Store, answer: SettledAnswer, nowMs: number, monotonicMs: number): Promise<void> {
    const moment = this.#times.take(answer, monotonicMs);
    if (moment === null) return;
    const { camera, results } = answer;
    const { atMs, sinceLastMs } = moment;
    if (sinceLastMs !== null && sinceLastMs > this.#options.settings.silenceSeconds * 1000)
      await this.#finish(inside, camera, atMs - sinceLastMs, nowMs);
    const subjects = this.#cameras.get(camera) ?? new Map<string, Subject>();
    this.#cameras.set(camera, subjects);
    for (const subject of subjects.values())
      await this.#moved(inside, subject, nowMs, () => subject.hold(atMs));
    for (const result of results) {
      const { region = '', model } = result;
      const told = tellingByPlace(result);
      for (const [place, { zone, label, count }] of told) {
        if (count === 0 || subjects.has(place) || subjects.size >= MAX_SUBJECTS) continue;
        const key = { camera, region, zone, label };
        const isCounted = result.counts !== undefined;
        subjects.set(place, new Subject({ key, model, isCounted, atMs, ...this.#options }));
      }
      for (const [place, subject] of subjects) {
        if (subject.key.region !== region) continue;
        await this.#moved(inside, subject, nowMs, () => subject.see(atMs, told.get(place) ?? null, model));
      }
    }
  }

  /** Completes what is over. */
  async tick(inside: Store, nowMs: number, monotonicMs: number): Promise<void> {
    for (const camera of this.#cameras.keys()) {
      if ((this.#times.silence(camera, monotonicMs) ?? 0) < QUIET_MS) continue;
      await this.#finish(inside, camera, this.#times.newest(camera) ?? 0, nowMs);
      this.#times.forget(camera);
    }
  }

  reset(): void {
    this.#cameras.clear();
    this.#times.clear();
  }

  async #finish(inside: Store, camera: string, atMs: number, nowMs: number): Promise<void> {
    for (const subject of this.#cameras.get(camera)?.values() ?? []) {
      subject.hold(atMs);
      if (subject.isPresent) await this.#store(inside, subject, subject.sinceMs, atMs, nowMs);
    }
    this.#cameras.delete(camera);
  }

  async #moved(inside: Store, subject: Subject, nowMs: number, change: () => boolean): Promise<void> {
    const startMs = subject.isPresent ? subject.sinceMs : null;
    change();
    if (startMs !== null && !subject.isPresent)
      await this.#store(inside, subject, startMs, subject.sinceMs, nowMs);
  }

  async #store(inside: Store, { key, model, seen }: Subject, startMs: number, endMs: number, nowMs: number) {
    if (await inside.recordedEvents.overlaps(key, startMs, endMs)) return;
    if (!(await this.#options.hours.add(inside, key.camera, nowMs))) return;
    const id = await inside.recordedEvents.begin(key, model, startMs, seen);
    await inside.recordedEvents.update(id, startMs, endMs, seen);
  }
}
