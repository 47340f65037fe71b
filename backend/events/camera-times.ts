import type { SettledAnswer } from '../store/feed.ts';

type Place = Pick<SettledAnswer, 'gateway' | 'session' | 'sequence'>;

type Heard = {
  /** Of the newest answer in the gateway's own order; null until the first since the start. */
  readonly place: Place | null;
  /** Time of its picture, ms. */
  readonly atMs: number;
  /** When it came, by a clock that does not jump. */
  readonly monotonicMs: number;
};

/** Pictures that pass one another by less are no sign of a clock that went back. */
const PASSING_MS = 2000;

export type CameraMoment = {
  readonly atMs: number;
  /** Since the picture before, ms; null where there is none since the start. */
  readonly sinceLastMs: number | null;
  /** How far the clock was set back: what is known of earlier times must be moved back as far, so that it keeps its age. */
  readonly setBackMs: number;
};

/**
 * The time at each camera, by its pictures: it goes on between answers, whatever the clock of the site does. Answers that come after later ones of
 * the same gateway are no present of anything.
 */
export class CameraTimes {
  readonly #cameras = new Map<string, Heard>();

  /** A camera that answered before the start, up to a time: it counts as heard at the start. */
  expect(camera: string, atMs: number, monotonicMs: number): void {
    const known = this.#cameras.get(camera)?.atMs ?? atMs;
    this.#cameras.set(camera, { place: null, atMs: Math.max(known, atMs), monotonicMs });
  }

  /** @returns null where a later answer came before. */
  take(
    { gateway, session, sequence, camera, frameMs }: Place & Pick<SettledAnswer, 'camera' | 'frameMs'>,
    monotonicMs: number,
  ): CameraMoment | null {
    const place = { gateway, session, sequence };
    const before = this.#cameras.get(camera);
    if (before?.place != null && isAfter(before.place, place)) return null;
    const isSetBack = before !== undefined && frameMs < before.atMs - PASSING_MS;
    const atMs = isSetBack ? frameMs : Math.max(before?.atMs ?? frameMs, frameMs);
    this.#cameras.set(camera, { place, atMs, monotonicMs });
    return {
      atMs,
      sinceLastMs: before?.place == null ? null : isSetBack ? 0 : atMs - before.atMs,
      setBackMs: isSetBack ? before.atMs + (monotonicMs - before.monotonicMs) - frameMs : 0,
    };
  }

  /** The present at a camera by its pictures, ms; null where it has not answered since the start. */
  now(camera: string, monotonicMs: number): number | null {
    const heard = this.#cameras.get(camera);
    return heard?.place == null ? null : heard.atMs + (monotonicMs - heard.monotonicMs);
  }

  /** Time of the newest picture that was answered about, ms; null for a camera that never answered. */
  newest(camera: string): number | null {
    return this.#cameras.get(camera)?.atMs ?? null;
  }

  /** For how long a camera has not answered, ms; null for one that never did. */
  silence(camera: string, monotonicMs: number): number | null {
    const heard = this.#cameras.get(camera);
    return heard === undefined ? null : monotonicMs - heard.monotonicMs;
  }

  forget(camera: string): void {
    this.#cameras.delete(camera);
  }

  clear(): void {
    this.#cameras.clear();
  }
}

function isAfter(place: Place, other: Place): boolean {
  if (place.gateway !== other.gateway) return false;
  return (
    place.session > other.session || (place.session === other.session && place.sequence >= other.sequence)
  );
}
