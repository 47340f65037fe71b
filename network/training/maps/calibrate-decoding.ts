import { decodeMap, type MapDecoding } from '#vision/decode-map.ts';
import type { MapShape } from './draw-target.ts';
import type { Place } from './place.ts';
import { scorePoints } from './score-points.ts';

const SMOOTHINGS = [0, 1];
/** No two local maxima are nearer than two cells. */
const DISTANCES = [2, 2.5, 3.2];
/** Of what stands for a thing, which is 1. */
const THRESHOLDS = Array.from({ length: 29 }, (_, i) => 0.1 + 0.025 * i);
/** Points of an answer; and at least, where few things were ever seen together. */
const MOST = 64;
const FEWEST = 4;

/**
 * Finds the decoding that makes the best points of answers, by F1. A threshold counts as much as its neighbors do: the best one by chance
 * is no good elsewhere.
 *
 * The fewer points an answer may have, the less a lying gateway learns from one: twice as many as were ever seen together are allowed.
 *
 * @param outputs one answer for each list of places, of pictures that took no part in training
 */
export function calibrateDecoding(
  outputs: readonly ArrayLike<number>[],
  places: readonly (readonly Place[])[],
  map: MapShape,
): MapDecoding {
  let best = { f1: -1, decoding: { ...map, smoothing: 0, distance: 2, threshold: 0.5, most: MOST } };
  for (const smoothing of SMOOTHINGS) {
    for (const distance of DISTANCES) {
      const scores = THRESHOLDS.map((threshold) => {
        const decoding = { ...map, smoothing, distance, threshold, most: MOST };
        const pictures = outputs.map((values, n) => ({
          points: decodeMap(values, decoding).points,
          places: places[n]!,
        }));
        return { decoding, f1: scorePoints(pictures, map.classes).f1 };
      });
      scores.slice(1, -1).forEach(({ decoding, f1 }, i) => {
        const mean = (scores[i]!.f1 + f1 + scores[i + 2]!.f1) / 3;
        if (mean > best.f1) best = { f1: mean, decoding };
      });
    }
  }
  const seen = places.reduce((top, { length }) => Math.max(top, length), 0);
  return {
    ...best.decoding,
    threshold: Number(best.decoding.threshold.toFixed(3)),
    most: Math.min(MOST, Math.max(FEWEST, 2 * seen)),
  };
}
