import { MAX_REGIONS } from '#protocol/names.ts';
import type { SettledAnswer } from '../store/feed.ts';

/** Of a camera within a day: enough to give all of its regions other names. */
const MAX_NAMES = 2 * MAX_REGIONS;
const DAY_MS = 86_400_000;

/**
 * Which regions history, situations and alerts keep something about. A gateway names those that an answer is about, so one that lies could name others in each: there is a line
 * of the history, a subject of each rule and an alert for every name.
 */
export class RegionBound {
  /** When a name was seen last, monotonic ms, by camera. */
  readonly #cameras = new Map<string, Map<string, number>>();

  /**
   * Leaves out what is about regions that are too many for their camera, and answers that tell of nothing else.
   *
   * @returns also how many results of each camera were left out
   */
  bounded(
    batch: readonly SettledAnswer[],
    monotonicMs: number,
  ): { readonly answers: readonly SettledAnswer[]; readonly omitted: ReadonlyMap<string, number> } {
    const omitted = new Map<string, number>();
    const answers = batch.flatMap((answer) => {
      const { camera, results } = answer;
      const kept = results.filter(
        ({ region }) => region === undefined || this.#keeps(camera, region, monotonicMs),
      );
      if (kept.length === results.length) return [answer];
      omitted.set(camera, (omitted.get(camera) ?? 0) + results.length - kept.length);
      return kept.length === 0 ? [] : [{ ...answer, results: kept }];
    });
    return { answers, omitted };
  }

  #keeps(camera: string, region: string, nowMs: number): boolean {
    const names = this.#cameras.get(camera) ?? new Map<string, number>();
    this.#cameras.set(camera, names);
    if (!names.has(region) && names.size >= MAX_NAMES) {
      for (const [name, seenMs] of names) if (nowMs - seenMs > DAY_MS) names.delete(name);
      if (names.size >= MAX_NAMES) return false;
    }
    names.set(region, nowMs);
    return true;
  }
}
