import type { BackendConfig } from '#config/schema.ts';
import type { Refusal } from '#protocol/refusals.ts';
import type { PushedVersions } from '../store/configurations.ts';
import type { Store } from '../store/store.ts';
import { AnswerRates } from './answer-rates.ts';

export type AnswerLimits = {
  /** Encrypted answers per second and camera, over each minute of picture time, where the settings of its gateway were not pushed from here. */
  readonly perCameraPerSecond: number;
  /** The same for cameras with their own limit, by name. */
  readonly ofCameras: ReadonlyMap<string, number>;
  /** How long before its arrival a picture may have been taken. */
  readonly maxAgeMs: number;
  /** How long answers of earlier releases are taken after the gateway reported a later one as active. */
  readonly formerReleaseMs: number;
};

/** An answer that wants to be decrypted. */
export type BoundedAnswer = {
  readonly gateway: string;
  readonly camera: string;
  /** Time of the picture as the gateway dates it. */
  readonly frameMs: number;
  /** When its answer came; it may have waited here since. */
  readonly receivedMs: number;
  /** Regions that one ciphertext of its network answers about. */
  readonly regionsAtOnce: number;
};

/** A clock that is ahead by less is honest: the picture is dated by its arrival. */
export const AHEAD_MS = 120_000;
/** A clock that was behind when the gateway was enrolled, and an outbox that sends its oldest just before it would drop it, are honest. */
const BEHIND_MS = 3_600_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Timers are not exact. */
const TOLERANCE = { factor: 1.05, answers: 5 };
/** Minutes of cameras whose counts are kept; others are counted again in the store. */
const MAX_COUNTS = 4096;

/** The limits that are configured. What is forgotten is not counted any more, so nothing is taken about a time that may be forgotten. */
export function answerLimits(config: Pick<BackendConfig, 'answers' | 'resultsDays'>): AnswerLimits {
  const { perCameraPerSecond, cameras, maxAgeHours, formerReleaseHours = maxAgeHours } = config.answers;
  const ofCameras = new Map(cameras.map(({ name, perSecond }) => [name, perSecond]));
  const rememberedMs = config.resultsDays * 24 * HOUR_MS;
  return {
    perCameraPerSecond,
    ofCameras,
    formerReleaseMs: formerReleaseHours * HOUR_MS,
    maxAgeMs: Math.min(maxAgeHours * HOUR_MS, rememberedMs - BEHIND_MS),
  };
}

/**
 * How much a gateway may have decrypted: no more for each minute of a camera's pictures than the rate allows, and only for the time
 * from its enrolment, or the maximum age of an outbox, to now. So over any time, and however answers are dated, sent late or all at once,
 * a camera never gets more of them than rate × wall time. The store records what was used up, so a restart forgets nothing.
 */
export class AnswerBounds {
  readonly #store: Store;
  readonly #limits: AnswerLimits;
  readonly #rates: AnswerRates;
  /** Least recently used first. */
  readonly #counts = new Map<string, number>();
  /** How often something was added, of all cameras. */
  #added = 0;
  /** Of answers that are being decrypted. */
  readonly #taken = new Map<string, number>();

  constructor(store: Store, limits: AnswerLimits) {
    this.#store = store;
    this.#limits = limits;
    this.#rates = new AnswerRates(store);
  }

  /**
   * @param enrolledMs when its gateway was
   * @param pushed the settings that were pushed to it
   * @returns null if one more answer may be decrypted.
   */
  async refusal(
    about: BoundedAnswer,
    enrolledMs: number,
    pushed: () => Promise<PushedVersions>,
  ): Promise<Refusal | null> {
    const { camera, frameMs, receivedMs } = about;
    if (frameMs > receivedMs + AHEAD_MS) return 'future';
    const oldestMs = Math.max(receivedMs - this.#limits.maxAgeMs, enrolledMs);
    if (frameMs < oldestMs - BEHIND_MS) return 'too-old';
    const aboutMs = Math.min(Math.round(frameMs), receivedMs);
    // Before the store is asked: what is settled meanwhile counts twice then, and never not at all.
    const taken = this.#taken.get(keyOf(camera, aboutMs)) ?? 0;
    const count = await this.#count(camera, aboutMs);
    return count + taken < (await this.#perMinute(about, pushed)) ? null : 'too-many';
  }

  async #perMinute(about: BoundedAnswer, pushed: () => Promise<PushedVersions>): Promise<number> {
    const exact =
      (this.#limits.ofCameras.get(about.camera) ?? (await this.#perSecond(about, await pushed()))) * 60;
    return Math.ceil(exact * TOLERANCE.factor) + TOLERANCE.answers;
  }

  /** The rate that the owner set, times the ciphertexts of a picture; where its gateway may run a file of its own, the limit for those, if that is more. */
  async #perSecond(
    { gateway, camera, frameMs, regionsAtOnce }: BoundedAnswer,
    pushed: PushedVersions,
  ): Promise<number> {
    const fromMs = minuteOf(frameMs) * MINUTE_MS;
    const { rates, mayRunFile } = await this.#rates.ratesOf(pushed, gateway, camera, {
      fromMs,
      toMs: fromMs + MINUTE_MS,
    });
    const set = rates.map(({ perSecond, regions }) => perSecond * Math.ceil(regions / regionsAtOnce));
    return Math.max(...set, mayRunFile ? this.#limits.perCameraPerSecond : 0);
  }

  /** An answer about this picture time is being decrypted: it counts, too, until it is given back. */
  take(camera: string, frameMs: number): void {
    const key = keyOf(camera, frameMs);
    this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
  }

  /** It was settled, or was not. */
  giveBack(camera: string, frameMs: number): void {
    const key = keyOf(camera, frameMs);
    const left = (this.#taken.get(key) ?? 0) - 1;
    if (left > 0) this.#taken.set(key, left);
    else this.#taken.delete(key);
  }

  /** Counts again in the store. */
  forget(): void {
    this.#counts.clear();
  }

  /** An envelope about this picture time was settled. */
  add(camera: string, frameMs: number): void {
    const key = keyOf(camera, frameMs);
    const count = this.#counts.get(key);
    if (count !== undefined) this.#counts.set(key, count + 1);
    this.#added += 1;
  }

  async #count(camera: string, frameMs: number): Promise<number> {
    const key = keyOf(camera, frameMs);
    const fromMs = minuteOf(frameMs) * MINUTE_MS;
    const added = this.#added;
    const known = this.#counts.get(key);
    const count = known ?? (await this.#store.results.countAbout(camera, fromMs, fromMs + MINUTE_MS));
    // What was settled since may be counted, or not: it is read again.
    if (known === undefined && this.#added !== added) return count;
    this.#counts.delete(key);
    this.#counts.set(key, count);
    if (this.#counts.size > MAX_COUNTS) {
      const [oldest] = this.#counts.keys();
      this.#counts.delete(oldest!);
    }
    return count;
  }
}

const minuteOf = (frameMs: number): number => Math.floor(frameMs / MINUTE_MS);
/** Camera names have no blank. */
const keyOf = (camera: string, frameMs: number): string => `${camera} ${minuteOf(frameMs)}`;
